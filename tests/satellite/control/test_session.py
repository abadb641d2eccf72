"""What the control socket is asked for happens in the conversation, and is answered with how the satellite is then."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from wyoming.event import Event
from wyoming.info import Info
from wyoming.satellite import PauseSatellite
from wyoming.timer import TimerFinished
from wyoming.user_event import UserEvent

from interject.satellite.audio.lateness import LatenessMeter
from interject.satellite.control.service import Commanded, Controls, ControlSession
from interject.satellite.control.status import STALLED_AFTER_S, MicrophoneWatch
from interject.satellite.records.conversation import PartialUnderstood
from interject.satellite.records.device import DeviceReported, Muted
from interject.satellite.transports.direct.server import Server, fixed
from interject.satellite.transports.wyoming.link import HomeAssistantLink
from interject.satellite.turn.state import Phase
from interject.wire.client import connect
from interject.wire.errors import PeerError, PeerUnreachableError, RequestError
from interject.wire.service import Service
from tests.satellite.talk import Talk, phase_of
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.signals import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.wire.client import Connection


async def no_server(uri: str) -> Connection:
    raise PeerUnreachableError(uri, "Connection refused")


class Desk:
    """A conversation whose time is moved by hand, and the commands that it can be given."""

    def __init__(self, talk: Talk | None = None, *servers: Server, pipeline: str = "direct") -> None:
        self.talk = talk or Talk()
        self.microphone = MicrophoneWatch()
        self.lateness = LatenessMeter(RATE_HZ)
        self.controls = Controls(
            Commanded(
                "Kitchen",
                "1.2",
                pipeline,
                self.talk.it,
                self.talk.player,
                self.microphone,
                self.lateness,
                HomeAssistantLink(),
                servers,
            )
        )

    def do(self, name: str, **data: Any) -> dict[str, Any]:
        self.controls.carry_out(name, data)
        return self.controls.status(data).as_json()


async def test_listen_begins_a_turn_without_a_wake_word() -> None:
    desk = Desk()
    assert desk.do("status")["state"] == "idle"
    assert desk.do("listen")["state"] == "listening"
    desk.talk.voice(1.0)
    desk.talk.silence(1.0)
    assert desk.talk.transport.ended == [1]


async def test_stop_silences_a_reply_and_tells_the_servers() -> None:
    desk = Desk(Talk().speaking())
    assert desk.do("stop")["state"] == "idle"
    assert [interrupt.reason for interrupt in desk.talk.transport.interrupts] == ["stop-word"]
    desk.talk.silence(0.5)
    assert not desk.talk.played_so_far[-RATE_HZ // 4 :].any()


async def test_stop_ends_a_ring() -> None:
    desk = Desk()
    desk.talk.it.timer(TimerFinished(id="tea").event())
    assert phase_of(desk.talk) is not Phase.IDLE
    assert desk.do("stop")["state"] == "idle"


async def test_a_muted_microphone_hears_nothing_and_is_not_asked_to_listen() -> None:
    desk = Desk()
    assert desk.do("mute")["muted"]
    desk.talk.voice(1.0)
    with pytest.raises(RequestError, match="the microphone is off; switch it on first"):
        desk.do("listen")
    assert not desk.talk.transport.audio
    assert desk.do("toggle-mute")["muted_by"] == []
    desk.talk.voice(1.0)
    assert desk.talk.transport.audio


async def test_a_volume_holds_from_now_on_whatever_plays() -> None:
    desk = Desk(Talk().speaking())
    loud = np.abs(desk.talk.played_so_far[-RATE_HZ // 4 :].astype(int)).max()
    assert desk.do("volume", percent=50)["volume"] == 50
    desk.talk.silence(0.5)
    soft = np.abs(desk.talk.played_so_far[-RATE_HZ // 4 :].astype(int)).max()
    assert soft == pytest.approx(loud / 8, rel=0.05)
    assert [desk.do("volume", step="down")["volume"] for _ in range(6)] == [40, 30, 20, 10, 0, 0]
    desk.talk.silence(0.5)
    assert not desk.talk.played_so_far[-RATE_HZ // 4 :].any()
    assert [desk.do("volume", step="up")["volume"] for _ in range(11)][-2:] == [100, 100]


@pytest.mark.parametrize("data", [{}, {"percent": 101}, {"percent": -1}, {"percent": True}, {"percent": "9"}])
async def test_a_volume_that_is_none_is_refused(data: dict[str, Any]) -> None:
    desk = Desk()
    with pytest.raises(RequestError, match="percent, from 0 to 100"):
        desk.do("volume", **data)
    assert desk.do("status")["volume"] == 100


async def test_nobody_connected_is_no_fault() -> None:
    status = Desk(pipeline="home-assistant").do("status")
    assert not status["home_assistant"]
    assert status["faults"] == []


def test_a_server_that_does_not_answer_and_a_microphone_that_stands_still_are_faults() -> None:
    async def scene() -> None:
        server = Server("stt", fixed("tcp://127.0.0.1:1"), no_server)
        desk = Desk(None, server)
        watching = asyncio.create_task(server.watch())
        await elapse(1.0)
        desk.microphone.moved()
        assert desk.do("status")["faults"] == ["stt server: cannot connect to tcp://127.0.0.1:1: Connection refused"]
        await elapse(STALLED_AFTER_S)
        desk.microphone.emit(DeviceReported(health="working", text="the sound card works"))
        microphone, _ = desk.do("status")["faults"]
        assert microphone == "microphone: no audio moved for 6 s"
        desk.microphone.moved()
        desk.microphone.emit(DeviceReported(health="failed", text="the sound card: it was unplugged"))
        assert desk.do("status")["microphone"] == {"moving": False, "error": "the sound card: it was unplugged"}
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    run_virtual(scene())


def test_status_tells_how_late_audio_was_handled() -> None:
    async def scene() -> None:
        desk = Desk()
        assert desk.do("status")["lateness_ms"] is None
        desk.lateness.handled(0)
        await elapse(0.025)
        desk.lateness.handled(RATE_HZ // 50)
        assert desk.do("status")["lateness_ms"] == {"p50": 2.5, "p90": 4.5, "p99": 4.95, "max": 5.0}
        await elapse(1.0)
        assert desk.do("status", seconds=0.5)["lateness_ms"] is None
        with pytest.raises(RequestError, match="at most 60"):
            desk.controls.status({"seconds": 61})

    run_virtual(scene())


def test_a_command_waits_for_a_satellite_that_is_starting() -> None:
    async def scene() -> None:
        desk = Desk()
        with pytest.raises(RequestError, match="still starting"):
            await desk.controls.wait_until_running()
        waiting = asyncio.create_task(desk.controls.wait_until_running())
        await elapse(1.0)
        desk.microphone.moved()
        await waiting

    run_virtual(scene())


@asynccontextmanager
async def connected(desk: Desk, path: Path) -> AsyncIterator[Connection]:
    service = Service(f"unix://{path}", Info, lambda peer: ControlSession(peer, desk.controls))
    connection = await connect(await service.start())
    try:
        yield connection
    finally:
        await connection.close()
        await service.stop()


async def test_a_command_over_the_socket_is_answered(tmp_path: Path) -> None:
    desk = Desk()
    desk.microphone.moved()
    async with connected(desk, tmp_path / "s") as connection:
        await connection.send(UserEvent("mute").event())
        answer = await connection.receive()
        assert UserEvent.from_event(answer).name == "status"
        assert answer.data["data"]["muted"]
        await connection.send(UserEvent("dance").event())
        with pytest.raises(PeerError, match="no command 'dance'; there are listen, stop"):
            await connection.receive()
        await connection.send(UserEvent("status").event())
        assert (await connection.receive()).data["data"]["name"] == "Kitchen"


async def test_the_commands_and_the_fields_of_the_answer_are_specified(repository: Path) -> None:
    page = await asyncio.to_thread((repository / "docs" / "protocol.md").read_text, encoding="utf-8")
    section = page.partition("## The control socket")[2].partition("\n## ")[0]
    desk = Desk()
    for word in (*desk.controls.names, *desk.do("status")):
        assert f"`{word}`" in section
    (example,) = re.findall(r"^```control\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    command = Event.from_dict(json.loads(example)).data
    assert desk.do(command["name"], **command["data"])["volume"] == command["data"]["percent"]


async def test_who_asks_for_events_is_told_what_an_event_service_is(tmp_path: Path) -> None:
    desk = Desk()
    async with connected(desk, tmp_path / "s") as connection:
        await connection.send(UserEvent("events").event())
        # The answer to a second command says that the first was taken.
        await connection.send(UserEvent("status").event())
        await connection.receive()
        desk.controls.emit(PartialUnderstood(1, "what", 4, None))
        desk.controls.emit(Muted(by="satellite"), 1.0)
        assert PauseSatellite.is_type((await connection.receive()).type)
