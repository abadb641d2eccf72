from __future__ import annotations

import contextlib
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from wyoming.asr import Transcribe, Transcript, TranscriptChunk
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from interject.servers.stt.engines import open_engine
from interject.servers.stt.service import make_service
from interject.servers.stt.worker_pool import WorkerPool
from interject.wire.client import StreamConnection
from interject.wire.errors import PeerError
from interject.wire.trace import Record, line_of
from interject.wire.uri import open_stream
from tools.testing.patience import PATIENCE_S, eventually, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from wyoming.event import Event

    from interject.servers.stt.agreement import Hypothesis
    from interject.servers.stt.engines.base import Engine, Recognition, Request
    from interject.servers.stt.settings import SttSettings
    from interject.wire.client import Connection

CLIPS = Path(__file__).parents[2] / "clips"
LOOPBACK = "tcp://127.0.0.1:0"
RATE = 16_000
# 20 ms, as satellites send.
CHUNK_BYTES = 640
# Enough news for each engine to say what it all says by now.
PIECE_BYTES = 2 * RATE * 2 // 5
# What a satellite sends after the last word, while it waits whether more comes.
SILENCE_S = 0.5


def clip(name: str) -> bytes:
    with wave.open(str(CLIPS / f"{name}.wav")) as file:
        pcm: bytes = file.readframes(file.getnframes())
        return pcm


def silence(seconds: float) -> bytes:
    return bytes(2 * int(RATE * seconds))


class Records:
    """A trace that tests can read."""

    def __init__(self) -> None:
        self.records: list[tuple[str, dict[str, Any]]] = []

    def emit(self, record: Record, t: float | None = None) -> None:
        self.records.append((record.KIND, line_of(record, t)))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.records if name == kind]


@dataclass
class Running:
    uri: str
    trace: Records
    heard_bytes: int = 0

    async def listen(self, connection: Connection, pcm: bytes) -> None:
        """Send audio of the only utterance piece by piece, each when the engine has heard the one before."""
        for start in range(0, len(pcm), PIECE_BYTES):
            piece = pcm[start : start + PIECE_BYTES]
            wanted_bytes = self.heard_bytes + len(piece)
            await connection.send(AudioChunk(RATE, 2, 1, piece).event())
            await eventually(lambda: self.heard_bytes >= wanted_bytes, "the engine to hear what was sent")  # noqa: B023

    @contextlib.contextmanager
    def watching(self, engine: Engine) -> Iterator[None]:
        """Count what the engine hears."""
        opened = engine.open

        def open_watched(request: Request) -> Recognition:
            recognition = opened(request)
            hear = recognition.hear

            def hear_watched(pcm: bytes) -> Hypothesis | None:
                hypothesis = hear(pcm)
                self.heard_bytes += len(pcm)
                return hypothesis

            recognition.hear = hear_watched  # type: ignore[method-assign]
            return recognition

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "open", open_watched)
            yield


@contextlib.asynccontextmanager
async def running(settings: SttSettings) -> AsyncIterator[Running]:
    """Serve in this process, by an engine that loads meanwhile."""
    async with serving(settings, await started(settings)) as server:
        yield server


async def started(settings: SttSettings) -> Engine:
    engine = await open_engine(settings)
    await engine.start()
    return engine


@contextlib.asynccontextmanager
async def serving(settings: SttSettings, engine: Engine) -> AsyncIterator[Running]:
    """Serve in this process, by an engine that is there."""
    trace = Records()
    workers = WorkerPool(settings.sessions, settings.max_waiting)
    service = make_service(settings, engine, workers, trace)
    try:
        server = Running(await service.start(), trace)
        with server.watching(engine):
            yield server
    finally:
        await service.stop()
        workers.close()


@contextlib.asynccontextmanager
async def connected(uri: str) -> AsyncIterator[Connection]:
    # The server shares this process with its decoders, and answers when they let it.
    connection = StreamConnection(uri, *await open_stream(uri, PATIENCE_S))
    try:
        yield connection
    finally:
        await connection.close()


@dataclass
class Answer:
    types: list[str] = field(default_factory=list)
    chunks: list[str] = field(default_factory=list)
    transcript: Transcript | None = None
    error: PeerError | None = None

    @property
    def text(self) -> str:
        assert self.transcript is not None, self.error
        return self.transcript.text


async def answer(connection: Connection) -> Answer:
    """Receive up to the final transcript or an error."""
    result = Answer()
    while result.transcript is None:
        try:
            async with expecting("the server to go on with its answer"):
                event = await connection.receive()
        except PeerError as error:
            result.error = error
            break
        result.types.append(event.type)
        if TranscriptChunk.is_type(event.type):
            result.chunks.append(TranscriptChunk.from_event(event).text)
        elif Transcript.is_type(event.type):
            result.transcript = Transcript.from_event(event)
    return result


def audio_events(pcm: bytes, rate: int = RATE, width: int = 2, channels: int = 1) -> list[Event]:
    size = CHUNK_BYTES * width * channels // 2
    chunks = [
        AudioChunk(rate, width, channels, pcm[start : start + size]).event() for start in range(0, len(pcm), size)
    ]
    return [AudioStart(rate, width, channels).event(), *chunks, AudioStop().event()]


async def ask(connection: Connection, pcm: bytes, transcribe: Transcribe | None = None) -> Answer:
    """Send an utterance at once and receive its answer."""
    await connection.send((transcribe or Transcribe(language="en")).event())
    for event in audio_events(pcm):
        await connection.send(event)
    return await answer(connection)
