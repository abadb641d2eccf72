"""An event service is told what happens, in order, whenever it is there."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from wyoming.asr import Transcript
from wyoming.audio import AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Info
from wyoming.satellite import (
    PauseSatellite,
    RunSatellite,
    SatelliteConnected,
    SatelliteDisconnected,
    StreamingStarted,
    StreamingStopped,
)
from wyoming.snd import Played
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated
from wyoming.tts import Synthesize
from wyoming.user_event import UserEvent
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detect, Detection

from interject.satellite.records.conversation import AwaitsWakeWord, PartialUnderstood, PhaseChanged, SttAborted
from interject.satellite.records.device import DuplexModeChanged, Muted, Unmuted
from interject.satellite.records.event_service import WAITING_EVENTS, EventForwarder, wyoming_event
from interject.satellite.records.home_assistant import Connected
from interject.wire.errors import PeerUnreachableError
from interject.wire.service import Service
from tests.satellite.records.hooks.records import RECORDS, interrupted, log_lines, understood, working
from tools.testing.patience import expecting
from tools.testing.virtual_clock import elapse, run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wyoming.event import Eventable

    from interject.wire.client import Connection
    from interject.wire.peer import Peer
    from interject.wire.trace import Record

LOGGER = "interject.satellite.records.event_service"

MODE_DATA = {
    "mode": "words",
    "was": "speech",
    "reason": "echo",
    "barge_in": "wake-word",
    "barge_in_was": "speech",
    "echo_db": -12.5,
    "residual_dbfs": None,
    "noise_dbfs": None,
    "erle_db": None,
    "delay_ms": None,
    "drift_ppm": None,
}
EXPECTED: dict[str, Eventable | None] = {
    "startup": None,
    "detect": Detect(),
    "detection": Detection(name="okay_nabu", timestamp=1500),
    "streaming-start": StreamingStarted(),
    "stt-open": VoiceStarted(timestamp=1500),
    "stt-end": VoiceStopped(timestamp=1500),
    "streaming-stop": StreamingStopped(),
    "transcript": Transcript(text="quelle heure est-il à Lyon"),
    "synthesize": Synthesize(text="It is\nnoon."),
    "first-audio": AudioStart(rate=22_050, width=2, channels=1),
    "reply-received": AudioStop(),
    "reply-played": Played(),
    "failed": Error(text="the STT server is gone", code="stt"),
    "connected": SatelliteConnected(),
    "disconnected": SatelliteDisconnected(),
    "timer-started": TimerStarted(id="1", total_seconds=180, name="thé", start_minutes=3),
    "timer-updated": TimerUpdated(id="1", is_active=False, total_seconds=90),
    "timer-cancelled": TimerCancelled(id="1"),
    "timer-finished": TimerFinished(id="1"),
    "muted": PauseSatellite(),
    "unmuted": RunSatellite(),
    "duplex-mode": UserEvent("duplex-mode", MODE_DATA),
}
MODE = DuplexModeChanged("words", "speech", "echo", "wake-word", "speech", -12.5, None, None, None, None, None)
ALL_RECORDS: list[Record] = [
    *(record for record, *_ in RECORDS),
    Muted("home-assistant"),
    Unmuted("home-assistant"),
    MODE,
]


class EventService:
    """A real Wyoming service that keeps what it is sent."""

    def __init__(self, uri: str = "tcp://127.0.0.1:0") -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue(1000)
        self.uri = uri

    async def handle(self, event: Event) -> None:
        self.events.put_nowait(event)

    async def next(self) -> Event:
        async with expecting("the event service to be sent an event"):
            return await self.events.get()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        service = Service(self.uri, Info, lambda _: self)
        self.uri = await service.start()
        try:
            yield
        finally:
            await service.stop()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interject.satellite.records.event_service._FIRST_RETRY_S", 0.01)
    monkeypatch.setattr("interject.satellite.records.event_service.STEADY_AFTER_S", 0.01)


@pytest.mark.parametrize("record", ALL_RECORDS, ids=[record.KIND for record in ALL_RECORDS])
def test_a_record_is_the_event_that_wyoming_knows(record: Record) -> None:
    expected = EXPECTED[record.KIND]
    assert wyoming_event(record, 1.5) == (None if expected is None else expected.event())


def test_murmurs_knocks_and_interruptions() -> None:
    assert wyoming_event(understood(""), 1.5) is None
    assert wyoming_event(SttAborted(1), None) == VoiceStopped().event()
    assert wyoming_event(interrupted(0.0), 1.5) is None
    assert wyoming_event(interrupted(10.0), 1.5) == Played().event()


@pytest.mark.parametrize(
    "record", [PhaseChanged("idle", "listening", "tick", 0.0, 0.0), PartialUnderstood(1, "what", 4, None)]
)
def test_other_records_are_no_event(record: Record) -> None:
    assert wyoming_event(record, 1.5) is None


async def test_a_service_gets_everything_in_order() -> None:
    service = EventService()
    async with service.running():
        forwarder = EventForwarder(service.uri)
        async with working(forwarder):
            for record in ALL_RECORDS:
                forwarder.emit(record, 1.5)
            for record in ALL_RECORDS:
                if (expected := EXPECTED[record.KIND]) is not None:
                    assert await service.next() == expected.event()


@pytest.mark.usefixtures("hurried")
async def test_a_service_that_comes_late_or_comes_back_gets_what_it_missed(tmp_path: Path) -> None:
    # A socket in the file system is free again for certain; a port may be taken meanwhile.
    service = EventService(f"unix://{tmp_path / 'e'}")
    forwarder = EventForwarder(service.uri)
    with log_lines(LOGGER) as log:
        async with working(forwarder):
            await log.wait_for(f"event service: cannot connect to {service.uri}")
            for text in ("before it came", "while it was away"):
                forwarder.emit(understood(text))
                async with service.running():
                    assert await service.next() == Transcript(text=text).event()
                    await log.wait_for(f"{service.uri} is there again")
                    forwarder.emit(understood("now"))
                    assert await service.next() == Transcript(text="now").event()
                await log.wait_for(f"{service.uri}: the connection was closed")
    assert len(log.told) == 5


async def test_the_newest_events_are_kept_for_a_service_that_is_away() -> None:
    service = EventService()
    async with service.running():
        forwarder = EventForwarder(service.uri)
        for number in range(1000):
            forwarder.emit(understood(str(number)))
        async with working(forwarder):
            for number in range(1000 - WAITING_EVENTS, 1000):
                assert await service.next() == Transcript(text=str(number)).event()


async def test_what_the_service_says_is_of_no_interest() -> None:
    said = [Error(text="I do not know detect").event(), Event(type="describe")]

    class Talker(EventService):
        def __init__(self, peer: Peer) -> None:
            super().__init__()
            self._peer = peer

        async def handle(self, event: Event) -> None:
            for answer in said:
                await self._peer.send(answer)
            heard.put_nowait(event)

    heard: asyncio.Queue[Event] = asyncio.Queue(10)
    service = Service("tcp://127.0.0.1:0", Info, Talker)
    forwarder = EventForwarder(await service.start())
    async with working(forwarder):
        for _ in range(3):
            forwarder.emit(AwaitsWakeWord())
            async with expecting("the event service to be sent an event"):
                assert await heard.get() == Detect().event()
    await service.stop()


def test_a_service_that_stays_away_is_asked_for_ever_more_seldom() -> None:
    asked: list[float] = []

    async def unreachable(uri: str) -> Connection:
        asked.append(asyncio.get_running_loop().time())
        raise PeerUnreachableError(uri, "refused")

    async def main() -> None:
        async with working(EventForwarder("tcp://127.0.0.1:1", unreachable)):
            await elapse(60)

    with log_lines(LOGGER) as log:
        run_virtual(main())
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses[:6] == [0.5, 1, 2, 4, 8, 10]
    assert set(pauses[6:]) == {10}
    assert log.pending() == 1


class Deaf:
    """A connection that takes nothing, to a service that says nothing."""

    uri = "tcp://127.0.0.1:1"

    async def send(self, event: Event) -> None:
        await asyncio.Event().wait()

    async def receive(self) -> Event:
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        pass


def test_a_service_that_takes_nothing_is_given_up_and_loses_nothing() -> None:
    sent: list[str] = []

    class Working(Deaf):
        async def send(self, event: Event) -> None:
            sent.append(event.type)

    connections = [Deaf(), Working()]

    async def connect(uri: str) -> Connection:
        return connections.pop(0)

    async def main() -> None:
        forwarder = EventForwarder(Deaf.uri, connect)
        forwarder.emit(AwaitsWakeWord())
        forwarder.emit(Connected(""))
        async with working(forwarder):
            await elapse(60)

    with log_lines(LOGGER) as log:
        run_virtual(main())
    assert sent == ["detect", "satellite-connected"]
    assert log.pending() == 2
