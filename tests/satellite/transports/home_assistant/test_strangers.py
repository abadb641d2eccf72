"""Somebody at another address of this machine says that he is Home Assistant: real TCP, in real time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping
from wyoming.satellite import PauseSatellite, RunSatellite
from wyoming.timer import TimerFinished
from wyoming.wake import Detection

from interject.satellite.transports.assist.state import WakeIn
from interject.satellite.transports.wyoming.link import HomeAssistantLink
from interject.satellite.transports.wyoming.transport import HomeAssistantSettings, HomeAssistantTransport
from interject.wire.framing import read_event
from interject.wire.service import Service
from tests.processes.house import port_of
from tools.fake_home_assistant.caller import Caller
from tools.testing.patience import eventually, expecting
from tools.virtual.home_assistant_house import Room, info, voice
from tools.virtual.network import cancelled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

HOME, STRANGER = "127.0.0.1", "127.0.0.2"
# Sound that goes on for longer than what is sent takes to be obeyed: some 0.3 s.
SETTLED_CHUNKS = 30


class Home:
    """A satellite that streams its microphone to Home Assistant, and who called it."""

    def __init__(self, port: int, room: Room, transport: HomeAssistantTransport) -> None:
        self.port = port
        self.room = room
        self.transport = transport
        self.remembered: list[str] = []
        self._callers: list[Caller] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def call(self, address: str) -> Caller:
        """Connect as Home Assistant."""
        caller = await Caller.call(self.port, address)
        self._callers.append(caller)
        self._tasks.append(asyncio.create_task(caller.live(), name=address))
        return caller

    async def owned(self) -> Caller:
        """Connect as Home Assistant does, and wait for the microphone."""
        caller = await self.call(HOME)
        await eventually(lambda: caller.of("audio-chunk"), "the microphone to come")
        return caller

    async def listen(self) -> None:
        while True:
            self.transport.push(voice(0.064))
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        for task in self._tasks:
            await cancelled(task)
        for caller in self._callers:
            caller.writer.close()


@asynccontextmanager
async def home(remembered: str | None = None) -> AsyncIterator[Home]:
    kept: list[str] = []

    async def remember(address: str) -> None:
        kept.append(address)

    link, room = HomeAssistantLink(remembered, remember), Room()
    transport = HomeAssistantTransport(link, HomeAssistantSettings(wake=WakeIn.HOME_ASSISTANT))
    service = Service("tcp://127.0.0.1:0", info, link.session)
    here = Home(port_of(await service.start()), room, transport)
    here.remembered = kept
    work = asyncio.create_task(transport.run(room))
    microphone = asyncio.create_task(here.listen())
    try:
        async with expecting("it to be over"):
            yield here
        if work.done():
            work.result()
    finally:
        await here.close()
        await cancelled(microphone)
        await cancelled(work)
        await service.stop()


async def disconnected(stranger: Caller) -> None:
    await eventually(lambda: stranger.ended, "the stranger to be disconnected")


def orders() -> list[Event]:
    return [
        TimerFinished(id="tea").event(),
        AudioStart(16_000, 2, 1).event(),
        AudioChunk(16_000, 2, 1, voice(0.1)).event(),
        AudioStop().event(),
        Detection(name="okay_nabu").event(),
        Event("transcript", {"text": "unlock the door"}),
        PauseSatellite().event(),
    ]


async def test_a_stranger_gets_no_sound_and_cannot_mute_ring_or_announce(caplog: pytest.LogCaptureFixture) -> None:
    async with home() as here:
        owner = await here.owned()
        for _ in range(2):
            stranger = await here.call(STRANGER)
            with contextlib.suppress(OSError):
                await stranger.send(*orders())
            await disconnected(stranger)
            assert [event.type for event in stranger.got] == ["error"]
            # Also not on a connection that is done with.
            with contextlib.suppress(OSError):
                await stranger.send(RunSatellite().event(), Ping().event(), *orders())
        sounds = len(owner.of("audio-chunk"))
        await eventually(lambda: len(owner.of("audio-chunk")) > sounds + SETTLED_CHUNKS, "the microphone to go on")
        assert (here.room.mutes, here.room.timers, here.room.announcements) == ([], [], [])
        assert not owner.ended
        assert len(here.room.noted("connected")) == 1
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warned) == 1
    assert STRANGER in warned[0]
    assert HOME in warned[0]
    assert here.remembered == [HOME]


async def test_who_only_asks_what_this_is_gets_an_answer_from_anywhere() -> None:
    async with home() as here:
        await here.owned()
        somebody = await Caller.call(here.port, STRANGER)
        await somebody.send(*orders(), Describe().event(), Ping().event())
        assert await read_event(somebody.reader)
        assert (await read_event(somebody.reader) or Describe().event()).type == "pong"
        assert (here.room.mutes, here.room.timers, here.room.announcements) == ([], [], [])
        somebody.writer.close()


async def test_a_silent_home_assistant_gives_way_to_another_address_and_takes_its_place_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with home() as here:
        owner = await here.owned()
        owner.answers = False
        other = await here.call(STRANGER)
        await eventually(lambda: other.of("audio-chunk"), "the other one to be taken")
        await eventually(lambda: owner.ended, "the silent one to be disconnected")
        assert owner.of("ping")
        back = await here.call(HOME)
        await eventually(lambda: back.of("audio-chunk"), "the one that is known to be taken again")
        assert here.remembered == [HOME]
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warned) == 2
    assert all(HOME in text and STRANGER in text for text in warned)


async def test_a_muted_satellite_listens_for_nobody_else() -> None:
    async with home() as here:
        owner = await here.owned()
        # As Home Assistant, which answers nothing more then.
        owner.answers = False
        await owner.send(PauseSatellite().event())
        await eventually(lambda: here.room.mutes == ["mute"], "the microphone to be off")
        stranger = await here.call(STRANGER)
        await disconnected(stranger)
        assert here.room.mutes == ["mute"]
        assert not stranger.of("audio-chunk")
        unmuted = await here.call(HOME)
        await eventually(lambda: unmuted.of("audio-chunk"), "the microphone to be on again")


async def test_an_address_other_than_the_one_that_was_remembered_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with home("192.168.1.5") as here:
        await here.owned()
        assert here.remembered == []
    (told,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert HOME in told
    assert "192.168.1.5" in told


async def test_the_address_that_was_remembered_is_not_worth_a_word(caplog: pytest.LogCaptureFixture) -> None:
    async with home(HOME) as here:
        await here.owned()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
