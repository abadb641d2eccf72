"""What every transport does for a conversation, whoever hears, thinks and speaks behind it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from interject.satellite.transports.wyoming.announcements import WithHomeAssistant
from interject.satellite.transports.wyoming.link import HomeAssistantLink
from interject.wire.events import Interrupt
from tools.fake_home_assistant.script import Reply, Turn, tone
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual import home_assistant_house, listener
from tools.virtual.home_assistant_house import Room
from tools.virtual.network import Fault, cancelled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from interject.satellite.transports.base import Transport

TEXT = "we live here"
LONG_S = 20.0


@dataclass
class Side:
    """A transport, what it tells, and what is behind it: `speak` says TEXT, `fail` takes away who answers."""

    transport: Transport
    room: Room
    speak: Callable[[int], Awaitable[None]]
    fail: Callable[[], Awaitable[None]]

    async def text(self, stream: int) -> str:
        await self.room.until(lambda: stream in self.room.transcripts)
        return self.room.transcripts[stream]

    async def answered(self, epoch: int) -> None:
        await self.room.until(lambda: epoch in self.room.ended)


Make = AbstractAsyncContextManager[Side]


@asynccontextmanager
async def around(transport: Transport, servers: listener.House) -> AsyncIterator[Side]:
    room = Room()
    work = asyncio.create_task(transport.run(room))
    await elapse(0.01)

    async def speak(stream: int) -> None:
        servers.speak(stream)

    async def fail() -> None:
        servers.bridge.fail(Fault.REFUSED)

    try:
        yield Side(transport, room, speak, fail)
    finally:
        await cancelled(work)
        for server in (servers.stt, servers.bridge, servers.tts):
            await server.stop()


def direct() -> Make:
    servers = listener.House(words=40)
    return around(servers.transport, servers)


def direct_beside_home_assistant() -> Make:
    servers = listener.House(words=40)
    return around(WithHomeAssistant(servers.transport, HomeAssistantLink()), servers)


@asynccontextmanager
async def home_assistant() -> AsyncIterator[Side]:
    turns = [Turn(TEXT, Reply("It is this.", tone(8.0), thinking_s=0.1, pace_s=0.02)) for _ in range(3)]
    async with home_assistant_house.house(turns) as here:
        here.room.asks = False

        async def speak(stream: int) -> None:
            await here.speak(stream, home_assistant_house.voice(1.0))

        async def fail() -> None:
            here.home.drop_link()

        yield Side(here.transport, here.room, speak, fail)


TRANSPORTS: tuple[Callable[[], Make], ...] = (direct, direct_beside_home_assistant, home_assistant)
every_transport = pytest.mark.parametrize("make", TRANSPORTS, ids=lambda make: make.__name__)


@every_transport
def test_a_question_is_understood_asked_and_answered_once(make: Callable[[], Make]) -> None:
    async def main() -> None:
        async with make() as side:
            await side.speak(1)
            assert await side.text(1) == TEXT
            side.transport.ask(1, TEXT)
            await side.answered(1)
            assert side.room.texts[1]
            assert side.room.audio[1]
            side.transport.played(1)
            await elapse(LONG_S)
            assert side.room.ended == [1]
            assert side.room.failed == []
            assert side.room.stt_failures == []

    run_virtual(main())


@every_transport
def test_nothing_of_a_reply_comes_after_it_was_cut_off_and_the_next_one_does(make: Callable[[], Make]) -> None:
    async def main() -> None:
        async with make() as side:
            await side.speak(1)
            await side.text(1)
            side.transport.ask(1, TEXT)
            await side.room.until(lambda: side.room.audio.get(1))
            side.transport.cancel(Interrupt("stop-word", 1, side.room.texts.get(1, "")))
            heard = len(side.room.audio[1])
            await elapse(LONG_S)
            assert len(side.room.audio[1]) == heard
            assert 1 not in side.room.ended
            await side.speak(2)
            await side.text(2)
            side.transport.ask(2, TEXT)
            await side.answered(2)
            assert side.room.audio[2]

    run_virtual(main())


@every_transport
def test_nothing_is_told_of_an_utterance_that_was_aborted(make: Callable[[], Make]) -> None:
    async def main() -> None:
        async with make() as side:
            side.transport.open_stt(1)
            side.transport.send_audio(1, home_assistant_house.voice(0.5))
            side.transport.abort_stt(1)
            side.transport.abort_stt(1)
            side.transport.turn_dropped()
            await elapse(LONG_S)
            assert side.room.transcripts == {}
            assert side.room.stt_failures == []

    run_virtual(main())


@every_transport
def test_nothing_comes_of_a_turn_that_was_dropped_and_the_next_one_is_answered(make: Callable[[], Make]) -> None:
    async def main() -> None:
        async with make() as side:
            await side.speak(1)
            await side.text(1)
            side.transport.abort_stt(1)
            side.transport.turn_dropped()
            await elapse(LONG_S)
            assert (side.room.texts, side.room.audio, side.room.ended) == ({}, {}, [])
            await side.speak(2)
            assert await side.text(2) == TEXT
            side.transport.ask(1, TEXT)
            await side.answered(1)
            assert side.room.audio[1]

    run_virtual(main())


@every_transport
def test_a_reply_that_cannot_be_made_fails_once_and_ends(make: Callable[[], Make]) -> None:
    async def main() -> None:
        async with make() as side:
            await side.speak(1)
            await side.text(1)
            await side.fail()
            side.transport.ask(1, TEXT)
            await side.answered(1)
            await elapse(LONG_S)
            assert [epoch for epoch, _ in side.room.failed] == [1]
            assert side.room.ended == [1]

    run_virtual(main())
