"""A text-to-speech service in the test's own event loop, and a client of it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped

from interject.servers.fair_queue import Owner
from interject.servers.tts.__main__ import make_service
from interject.servers.tts.engines import open_engine
from interject.servers.tts.engines.base import Line
from interject.servers.tts.synthesis_queue import SynthesisQueue
from interject.wire.client import Connection, StreamConnection
from interject.wire.events import WordMark, WordMarks
from interject.wire.trace import Record, line_of
from interject.wire.uri import TcpAddress, parse_uri
from tools.testing.patience import PATIENCE_S, eventually, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from wyoming.event import Event
    from wyoming.tts import SynthesizeVoice

    from interject.servers.tts.engines.base import Sink
    from interject.servers.tts.settings import TtsSettings
    from interject.wire.service import Service


@dataclass
class RecordedTrace:
    """Keeps the trace in memory."""

    records: list[dict[str, Any]] = field(default_factory=list)

    def emit(self, record: Record, t: float | None = None) -> None:
        self.records.append(line_of(record, t))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == kind]

    async def wait_for(self, kind: str) -> dict[str, Any]:
        return (await eventually(lambda: self.of(kind), f"the service to trace {kind!r}"))[-1]


@dataclass
class Running:
    """A service that listens."""

    uri: str
    trace: RecordedTrace
    queue: SynthesisQueue
    service: Service

    @contextlib.asynccontextmanager
    async def client(self, local: str = "127.0.0.1") -> AsyncIterator[Connection]:
        """Connect from an address of this machine."""
        address = parse_uri(self.uri)
        assert isinstance(address, TcpAddress)
        streams = await asyncio.open_connection(address.host, address.port, local_addr=(local, 0))
        connection = StreamConnection(self.uri, *streams)
        try:
            yield connection
        finally:
            await connection.close()


@contextlib.asynccontextmanager
async def running(settings: TtsSettings, queue: SynthesisQueue | None = None) -> AsyncIterator[Running]:
    trace = RecordedTrace()
    engine = await open_engine(settings)
    queue = queue or SynthesisQueue()
    service = make_service(settings, engine, queue, trace)
    try:
        yield Running(await service.start(), trace, queue, service)
    finally:
        await service.stop()
        await queue.close()
        await engine.close()


class _EndlessVoice:
    """Speaks one sentence until told to stop."""

    rate_hz = 16_000

    def __init__(self) -> None:
        self.begun = threading.Event()

    def speak(self, _line: Line, sink: Sink) -> None:
        stopped = threading.Event()
        sink.on_stop(stopped.set)
        self.begun.set()
        stopped.wait(PATIENCE_S)


@contextlib.asynccontextmanager
async def held(queue: SynthesisQueue) -> AsyncIterator[None]:
    """Have a sentence spoken for 127.0.0.1 that lasts as long as the block."""
    voice = _EndlessVoice()

    async def speak() -> None:
        async for _ in queue.speak(voice, Line("On", "On"), Owner("127.0.0.1", "a long talker")):
            pass

    speaking = asyncio.create_task(speak())
    await eventually(voice.begun.is_set, "the endless sentence to begin")
    try:
        yield
    finally:
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)


@dataclass
class Heard:
    """All events of one reply, in order, its audio and its marks."""

    events: list[Event]

    @property
    def types(self) -> list[str]:
        """Types of events, audio chunks as one."""
        kinds: list[str] = []
        for event in self.events:
            if not (AudioChunk.is_type(event.type) and kinds and kinds[-1] == event.type):
                kinds.append(event.type)
        return kinds

    @property
    def pcm(self) -> bytes:
        return b"".join(event.payload or b"" for event in self.events if AudioChunk.is_type(event.type))

    @property
    def rate_hz(self) -> int:
        return next(AudioStart.from_event(event).rate for event in self.events if AudioStart.is_type(event.type))

    @property
    def audio_ms(self) -> float:
        return len(self.pcm) / 2 * 1000 / self.rate_hz

    @property
    def marks(self) -> list[WordMark]:
        return [mark for event in self.events if WordMarks.is_type(event) for mark in WordMarks.from_event(event).marks]

    @property
    def estimated(self) -> set[bool]:
        return {WordMarks.from_event(event).estimated for event in self.events if WordMarks.is_type(event)}


async def receive(connection: Connection) -> Event:
    async with expecting("the service to send an event"):
        return await connection.receive()


async def receive_until(connection: Connection, last: str) -> Heard:
    """Read up to an event of a type; raises PeerError for an error event."""
    events = [await receive(connection)]
    while events[-1].type != last:
        events.append(await receive(connection))
    return Heard(events)


async def say(connection: Connection, text: str, voice: SynthesizeVoice | None = None) -> Heard:
    await connection.send(Synthesize(text=text, voice=voice).event())
    return await receive_until(connection, AudioStop().event().type)


async def stream(connection: Connection, chunks: Iterable[str], *, whole: str | None = None) -> Heard:
    await connection.send(SynthesizeStart().event())
    for chunk in chunks:
        await connection.send(SynthesizeChunk(text=chunk).event())
    if whole is not None:
        await connection.send(Synthesize(text=whole).event())
    await connection.send(SynthesizeStop().event())
    return await receive_until(connection, SynthesizeStopped().event().type)


def check_marks(text: str, heard: Heard) -> None:
    """The marks walk through the words of the text, in time, each before its audio, and end within it."""
    assert " ".join(mark.text for mark in heard.marks).split() == text.split()
    position = 0
    previous_end = 0.0
    for mark in heard.marks:
        for token in mark.text.split(" "):
            position = text.index(token, position) + len(token)
        assert previous_end <= mark.start_ms <= mark.end_ms
        previous_end = mark.end_ms
    assert previous_end <= heard.audio_ms + 0.1
    _check_before_audio(heard.events, heard.rate_hz)


def _check_before_audio(events: Sequence[Event], rate_hz: int) -> None:
    samples = 0
    for event in events:
        if AudioChunk.is_type(event.type):
            assert event.data["timestamp"] == samples * 1000 // rate_hz
            samples += len(event.payload or b"") // 2
        elif WordMarks.is_type(event):
            assert WordMarks.from_event(event).marks[0].start_ms >= samples * 1000 / rate_hz - 0.1
