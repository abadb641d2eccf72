"""Whoever announces a server last, or with the first name of all, does not get the user's speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.satellite.app.found_servers import FoundServers
from interject.satellite.errors import ServerNotFoundError
from interject.satellite.state_file import StateFile
from interject.wire.discovery import Found, ServiceKind

if TYPE_CHECKING:
    from pathlib import Path

OURS, STRANGER = Found("house-stt", "tcp://192.168.1.10:10300"), Found("a-stt", "tcp://192.168.1.66:10300")


class Network:
    def __init__(self, *answers: Found) -> None:
        self.answers = list(answers)

        self.unheard: list[Found] = []

    async def still_does(self, service: Found, kind: ServiceKind) -> bool:
        return kind is ServiceKind.STT and service.uri in {other.uri for other in (*self.answers, *self.unheard)}

    async def look(self, kind: ServiceKind, timeout_s: float) -> list[Found]:
        assert timeout_s > 0
        return self.answers if kind is ServiceKind.STT else []


async def found(network: Network, file: Path, wanted: str | None = None) -> str:
    state = StateFile(file, "which servers were used before")
    return await FoundServers(state, network.look, network.still_does).locate(ServiceKind.STT, wanted)()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    caplog.clear()
    return found


async def test_the_server_that_was_used_before_is_used_again_also_after_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "state" / "servers.json"
    network = Network(OURS)
    assert await found(network, file) == OURS.uri
    assert not warnings(caplog)
    network.answers = [STRANGER, OURS]
    assert await found(network, file) == OURS.uri
    (told,) = warnings(caplog)
    assert "a-stt at tcp://192.168.1.66:10300" in told


@pytest.mark.parametrize("wanted", [None, OURS.name])
async def test_who_has_the_name_of_the_one_used_before_at_another_address_is_told_and_not_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wanted: str | None
) -> None:
    file = tmp_path / "servers.json"
    network = Network(OURS)
    await found(network, file, wanted)
    namesake = Found(OURS.name, STRANGER.uri)
    network.answers = [namesake]
    assert await found(network, file, wanted) == namesake.uri
    (told,) = warnings(caplog)
    assert namesake.uri in told
    assert f"--stt-uri {OURS.uri}" in told
    # Ours is back, and has got another name, as its own is taken.
    renamed = Found("house-stt-2", OURS.uri)
    network.answers = [namesake, renamed]
    assert await found(network, file, wanted) == OURS.uri


@pytest.mark.parametrize("wanted", [None, OURS.name])
async def test_a_server_whose_announcement_is_drowned_is_used_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wanted: str | None
) -> None:
    network = Network(OURS)
    await found(network, tmp_path / "servers.json", wanted)
    network.answers, network.unheard = [STRANGER, Found(OURS.name, "tcp://192.168.1.67:10300")], [OURS]
    assert await found(network, tmp_path / "servers.json", wanted) == OURS.uri
    (told,) = warnings(caplog)
    assert "tcp://192.168.1.67:10300" in told


async def test_who_stands_in_for_the_one_used_before_is_told_and_not_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "servers.json"
    network = Network(OURS)
    await found(network, file)
    network.answers = [STRANGER]
    assert await found(network, file) == STRANGER.uri
    (told,) = warnings(caplog)
    assert OURS.uri in told
    assert STRANGER.uri in told
    network.answers = [STRANGER, OURS]
    assert await found(network, file) == OURS.uri


async def test_a_server_is_known_from_then_on_where_another_name_is_wanted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "servers.json"
    other = Found("new-stt", "tcp://192.168.1.11:10300")
    await found(Network(OURS), file)
    assert await found(Network(other, OURS), file, other.name) == other.uri
    assert await found(Network(other), file) == other.uri
    assert not warnings(caplog)


async def test_a_satellite_that_runs_on_says_the_same_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    network = Network(OURS, STRANGER)
    locate = FoundServers(StateFile(tmp_path / "servers.json", "it"), network.look, network.still_does).locate(
        ServiceKind.STT, None
    )
    for _ in range(3):
        await locate()
    assert len(warnings(caplog)) == 1


async def test_a_choice_among_several_is_told_with_the_way_to_make_it_oneself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert await found(Network(STRANGER, OURS), tmp_path / "servers.json") == STRANGER.uri
    (warning,) = warnings(caplog)
    assert "house-stt at tcp://192.168.1.10:10300" in warning
    assert "--stt-name" in warning


async def test_the_name_that_is_wanted_is_taken_or_nothing(tmp_path: Path) -> None:
    network = Network(STRANGER, OURS)
    assert await found(network, tmp_path / "servers.json", OURS.name) == OURS.uri
    network.answers = [STRANGER]
    with pytest.raises(ServerNotFoundError, match=r"named house-stt answered .*are named a-stt"):
        await found(network, tmp_path / "servers.json", OURS.name)


async def test_where_nobody_answers_the_ways_out_are_named(tmp_path: Path) -> None:
    with pytest.raises(ServerNotFoundError, match=r"--zeroconf.*--stt-uri.*--pipeline home-assistant"):
        await found(Network(), tmp_path / "servers.json")


@pytest.mark.parametrize("content", ["no json", "[1]", '{"stt": 5}', '{"stt": "house-stt"}'])
async def test_a_damaged_file_costs_the_preference_and_nothing_else(tmp_path: Path, content: str) -> None:
    file = tmp_path / "servers.json"
    file.write_text(content)
    assert await found(Network(OURS), file) == OURS.uri
    assert await found(Network(STRANGER, OURS), file) == OURS.uri


async def test_a_folder_that_cannot_be_written_costs_the_memory_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    assert await found(Network(OURS), tmp_path / "file" / "servers.json") == OURS.uri
    assert [record for record in caplog.records if "cannot keep which servers were used" in record.getMessage()]
