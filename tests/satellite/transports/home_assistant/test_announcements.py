"""A satellite in direct mode that was added to Home Assistant."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wyoming.timer import TimerFinished

from interject.satellite.transports.wyoming.announcements import WithHomeAssistant
from interject.satellite.transports.wyoming.link import HomeAssistantLink
from interject.wire.events import Interrupt
from interject.wire.service import Service
from tools.fake_home_assistant.link import connector
from tools.fake_home_assistant.peer import FakeHomeAssistant
from tools.fake_home_assistant.script import tone
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.home_assistant_house import Room, info, voice
from tools.virtual.network import cancelled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.satellite.transports.base import RoomListener
    from interject.satellite.wake.base import WakeWord

NEWS = tone(3.0)


class Turns:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    async def run(self, listener: RoomListener) -> None:
        await asyncio.Event().wait()

    def woken(self, word: WakeWord) -> None:
        self.calls.append(("woken", word.name))

    def open_stt(self, stream: int) -> None:
        self.calls.append(("open", stream))

    def send_audio(self, stream: int, audio: bytes) -> None:
        self.calls.append(("audio", stream))

    def end_stt(self, stream: int) -> None:
        self.calls.append(("end", stream))

    def abort_stt(self, stream: int) -> None:
        self.calls.append(("abort", stream))

    def turn_dropped(self) -> None:
        self.calls.append(("dropped",))

    def ask(self, epoch: int, text: str) -> None:
        self.calls.append(("ask", epoch, text))

    def cancel(self, interrupt: Interrupt) -> None:
        self.calls.append(("cancel", interrupt.epoch))

    def played(self, epoch: int) -> None:
        self.calls.append(("played", epoch))


@asynccontextmanager
async def house() -> AsyncIterator[tuple[WithHomeAssistant, Turns, Room, FakeHomeAssistant]]:
    link, room, turns = HomeAssistantLink(), Room(), Turns()
    pipeline = WithHomeAssistant(turns, link)
    with tempfile.TemporaryDirectory() as folder:
        service = Service(f"unix://{folder}/satellite", info, link.session)
        uri = await service.start()
        work = asyncio.create_task(pipeline.run(room))
        try:
            async with FakeHomeAssistant(connector(uri)) as home:
                await room.until(lambda: room.noted("connected"))
                yield pipeline, turns, room, home
        finally:
            await cancelled(work)
            await service.stop()


def test_turns_are_the_other_pipelines_and_home_assistant_has_none() -> None:
    async def main() -> None:
        async with house() as (pipeline, turns, _, home):
            pipeline.open_stt(1)
            pipeline.send_audio(1, voice(0.1))
            pipeline.end_stt(1)
            pipeline.abort_stt(2)
            pipeline.ask(1, "we live here")
            pipeline.cancel(Interrupt("speech", 1))
            pipeline.played(2)
            await elapse(1)
            expected = ["open", "audio", "end", "abort", "ask", "cancel", "played"]
            assert [call[0] for call in turns.calls] == expected
            sent = {entry.event.type for entry in home.log.entries if entry.from_satellite}
            assert sent <= {"info", "pong"}

    run_virtual(main())


def test_an_announcement_that_is_heard_or_cut_is_home_assistants_alone() -> None:
    async def main() -> None:
        async with house() as (pipeline, turns, room, home):
            first = asyncio.create_task(home.announce(NEWS))
            await room.until(lambda: 1 in room.ended)
            pipeline.played(1)
            assert await first
            second = asyncio.create_task(home.announce(NEWS))
            await room.until(lambda: room.audio.get(2))
            pipeline.open_stt(1)
            pipeline.cancel(Interrupt("speech", 2))
            assert await second
            assert room.audio[1] == NEWS
            assert turns.calls == [("open", 1)]
            assert home.log.of("run-pipeline", from_satellite=True) == []

    run_virtual(main())


def test_a_satellite_whose_home_assistant_stopped_is_not_left_muted() -> None:
    async def main() -> None:
        async with house() as (_, _, room, home):
            home.mute()
            await room.until(lambda: room.mutes == ["mute"])
            home.drop_link()
            await room.until(lambda: room.mutes == ["mute", "unmute"])

    run_virtual(main())


def test_an_announcement_that_never_comes_is_given_up_and_comes_too_late() -> None:
    async def main() -> None:
        async with house() as (pipeline, _, room, home):
            late = asyncio.create_task(home.announce(NEWS, synthesis_s=100.0))
            await room.until(lambda: 1 in room.ended)
            pipeline.played(1)
            await home.received("played")
            await elapse(100)
            assert room.announcements == [1]
            assert room.audio == {}
            await late

    run_virtual(main())


def test_an_announcement_ends_when_home_assistant_goes() -> None:
    async def main() -> None:
        async with house() as (_, _, room, home):
            lost = asyncio.create_task(home.announce(NEWS, synthesis_s=5.0))
            await room.until(lambda: room.announcements == [1])
            home.drop_link()
            await room.until(lambda: 1 in room.ended)
            lost.cancel()
            await asyncio.gather(lost, return_exceptions=True)

    run_virtual(main())


def test_timers_reach_the_room() -> None:
    async def main() -> None:
        async with house() as (_, _, room, home):
            home.timer(TimerFinished(id="tea").event())
            await room.until(lambda: [event.data["id"] for event in room.timers] == ["tea"])

    run_virtual(main())
