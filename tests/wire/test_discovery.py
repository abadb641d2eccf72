"""Services on this machine's loopback find each other by multicast DNS."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING

import pytest
from wyoming.info import (
    AsrProgram,
    Attribution,
    HandleProgram,
    Info,
    Satellite,
    TtsProgram,
)

from interject.wire.discovery import (
    Found,
    ServiceKind,
    advertise,
    announcement,
    browse,
    default_instance_name,
    find_services,
    offers,
    still_does,
)
from interject.wire.errors import BadUriError, SettingError
from interject.wire.service import Service
from tools.testing.patience import PATIENCE_S, expecting
from tools.testing.virtual_clock import run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from wyoming.event import Event

    from interject.wire.peer import Peer

LOOPBACK = ["127.0.0.1"]
# A busy machine may miss the first ones.
LOOKS = 3
_ARTIFACT = {
    "name": "x",
    "attribution": Attribution(name="", url=""),
    "installed": True,
    "description": None,
    "version": None,
}
INFOS = {
    ServiceKind.STT: Info(asr=[AsrProgram(**_ARTIFACT, models=[])]),  # type: ignore[arg-type]
    ServiceKind.TTS: Info(tts=[TtsProgram(**_ARTIFACT, voices=[])]),  # type: ignore[arg-type]
    ServiceKind.LLM: Info(handle=[HandleProgram(**_ARTIFACT, models=[])]),  # type: ignore[arg-type]
    ServiceKind.SATELLITE: Info(satellite=Satellite(**_ARTIFACT)),  # type: ignore[arg-type]
}


class Deaf:
    async def handle(self, event: Event) -> None:
        pass


@contextlib.asynccontextmanager
async def serving(info: Info, uri: str = "tcp://127.0.0.1:0") -> AsyncIterator[str]:
    def make_session(_: Peer) -> Deaf:
        return Deaf()

    service = Service(uri, lambda: info, make_session)
    try:
        yield await service.start()
    finally:
        await service.stop()


@pytest.fixture(scope="module")
def multicast() -> None:
    """Skip where the loopback interface carries no multicast."""

    async def works() -> bool:
        async with advertise(name="probe", uri="tcp://127.0.0.1:9", host=None, interfaces=LOOPBACK) as registered:
            return registered is not None and any([await browse(0.8, LOOPBACK) for _ in range(LOOKS)])

    if not asyncio.run(works()):
        pytest.skip("multicast does not work on this machine's loopback interface")


async def look_until(wanted: Callable[[list[Found]], bool], what: str = "the service to be found") -> list[Found]:
    """Browse in short looks: a responder may hold an answer back for a second (RFC 6762, section 6)."""
    found: list[Found] = []
    async with expecting(what):
        while not wanted(found):
            found = await browse(0.3, LOOPBACK)
    return found


async def test_what_is_announced_is_found_and_gone_when_its_context_ends(multicast: None) -> None:
    async with advertise(name="kit.chen ß", uri="tcp://127.0.0.1:10700", host=None, interfaces=LOOPBACK) as registered:
        assert registered == "kit.chen ß"
        await look_until(lambda found: Found("kit.chen ß", "tcp://127.0.0.1:10700") in found)
    await look_until(lambda found: all(each.name != "kit.chen ß" for each in found), "it to be gone")


async def test_a_taken_name_gets_a_number_and_both_are_found(multicast: None, caplog: pytest.LogCaptureFixture) -> None:
    async with (
        advertise(name="twin", uri="tcp://127.0.0.1:1001", host=None, interfaces=LOOPBACK),
        advertise(name="twin", uri="tcp://127.0.0.1:1002", host=None, interfaces=LOOPBACK) as second,
    ):
        assert second == "twin-2"
        both = {Found("twin", "tcp://127.0.0.1:1001"), Found("twin-2", "tcp://127.0.0.1:1002")}
        await look_until(lambda found: both <= set(found))
    assert "'twin' is taken" in caplog.text


async def test_the_announced_host_is_the_one_that_was_asked_for(multicast: None) -> None:
    async with advertise(name="far", uri="tcp://0.0.0.0:1003", host="203.0.113.7", interfaces=LOOPBACK):
        await look_until(lambda found: Found("far", "tcp://203.0.113.7:1003") in found)


async def test_an_address_of_this_machine_alone_is_announced_to_it_alone(
    multicast: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Elsewhere it would mean another machine."""
    caplog.set_level(logging.INFO, "interject.wire")
    async with advertise(name="alone", uri="tcp://0.0.0.0:1005", host="127.0.0.1") as registered:
        assert registered == "alone"
        await look_until(lambda found: Found("alone", "tcp://127.0.0.1:1005") in found)
    assert "announced to this machine alone as alone at 127.0.0.1 port 1005" in caplog.text


async def test_an_ipv6_address_is_found_in_brackets(multicast: None) -> None:
    async with advertise(name="six", uri="tcp://[2001:db8::7]:1004", host=None, interfaces=LOOPBACK) as registered:
        if registered is None:
            pytest.skip("this machine has no IPv6")
        await look_until(lambda found: Found("six", "tcp://[2001:db8::7]:1004") in found)


async def test_services_are_found_by_what_they_do(multicast: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async with contextlib.AsyncExitStack() as stack:
        uris = {kind: await stack.enter_async_context(serving(info)) for kind, info in INFOS.items()}
        for kind in (ServiceKind.STT, ServiceKind.SATELLITE):
            await stack.enter_async_context(
                advertise(name=f"does {kind.value}", uri=uris[kind], host=None, interfaces=LOOPBACK)
            )

        names = {"does stt", "does satellite"}
        found = await look_until(lambda found: names <= {each.name for each in found})

        async def look(_: float) -> list[Found]:
            return [each for each in found if each.name in names]

        monkeypatch.setattr("interject.wire.discovery._ANSWER_TIMEOUT_S", PATIENCE_S)
        for kind in (ServiceKind.STT, ServiceKind.SATELLITE):
            (service,) = await find_services(kind, 0.5, look=look)
            assert service.name == f"does {kind.value}"
        assert await find_services(ServiceKind.TTS, 0.5, look=look) == []


def test_services_that_are_dead_silent_or_mad_hide_no_other(tmp_path: Path) -> None:
    """What is sent over a unix socket is there at once, so virtual time does not pass it by."""
    uris = {name: f"unix://{tmp_path}/{name}" for name in ("dead", "silent", "useless", "good")}

    async def look(_: float) -> list[Found]:
        return [Found(name, uri) for name, uri in uris.items()]

    async def main() -> list[str]:
        async with serving(INFOS[ServiceKind.STT], uris["good"]), serving(Info(), uris["useless"]):
            return [service.uri for service in await find_services(ServiceKind.STT, 0, look=look)]

    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(uris["silent"].removeprefix("unix://"))
        mute.listen()
        assert run_virtual(main()) == [uris["good"]]


async def test_a_service_is_asked_at_its_address_whether_it_still_does_what_it_did(tmp_path: Path) -> None:
    service = Found("known", f"unix://{tmp_path}/service")
    async with serving(INFOS[ServiceKind.STT], service.uri):
        assert await still_does(service, ServiceKind.STT)
        assert not await still_does(service, ServiceKind.TTS)
    assert not await still_does(service, ServiceKind.STT)


def test_a_service_may_do_several_things() -> None:
    both = Info(asr=INFOS[ServiceKind.STT].asr, tts=INFOS[ServiceKind.TTS].tts)
    assert offers(both) == {ServiceKind.STT, ServiceKind.TTS}
    assert offers(Info()) == frozenset()


@pytest.mark.parametrize("name", ["", "x" * 64, "new\nline"])
async def test_a_name_that_cannot_be_announced_is_told(name: str) -> None:
    with pytest.raises(SettingError, match="zeroconf-name"):
        async with advertise(name=name, uri="tcp://127.0.0.1:1", host=None, interfaces=LOOPBACK):
            pass


async def test_a_unix_socket_or_a_bad_uri_cannot_be_announced() -> None:
    with pytest.raises(SettingError, match="zeroconf: unix:///tmp/x"):
        async with advertise(name="a", uri="unix:///tmp/x", host=None, interfaces=LOOPBACK):
            pass
    with pytest.raises(BadUriError):
        async with advertise(name="a", uri="127.0.0.1:1", host=None, interfaces=LOOPBACK):
            pass


async def test_a_host_that_does_not_exist_is_told() -> None:
    with pytest.raises(SettingError, match=r"zeroconf-host: 'no\.such\.invalid'"):
        async with advertise(name="a", uri="tcp://0.0.0.0:1", host="no.such.invalid", interfaces=LOOPBACK):
            pass


# zeroconf leaves the socket that could not join the group to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_without_a_network_the_service_goes_on_after_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "interject.wire")
    # No interface of this machine has this address (RFC 5737), as when the network is not up yet.
    async with advertise(name="a", uri="tcp://127.0.0.2:1", host="192.0.2.9", interfaces=["203.0.113.9"]) as registered:
        assert registered is None
    warnings = [record.getMessage() for record in caplog.records if record.name.startswith("interject.wire")]
    assert len(warnings) == 1
    assert "--zeroconf-host" in warnings[0]
    assert "tcp://127.0.0.2:1" in warnings[0]


async def test_an_announcement_of_no_name_is_none() -> None:
    async with announcement(None)("unix:///tmp/x"):
        pass
    with pytest.raises(SettingError):
        async with announcement("a")("unix:///tmp/x"):
            pass


def test_the_instance_name_is_this_machine_s_at_every_start() -> None:
    assert default_instance_name() == default_instance_name()
    assert len(default_instance_name()) == 12
    assert int(default_instance_name(), 16) > 0
