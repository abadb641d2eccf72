"""The speech that was sent to a satellite, as it passed by, and when its words sound.

Speaking a text once more would not do: espeak-ng varies its pitch from one call to the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np
from wyoming.audio import AudioChunk

from interject.satellite.audio.resampling import ReplyResampler
from interject.wire.errors import FrameTruncatedError
from interject.wire.events import WordMarks
from interject.wire.framing import DEFAULT_LIMITS, read_event
from interject.wire.uri import open_stream

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from wyoming.event import Event

    from interject.wire.events import WordMark

# The rate of the simulated room.
ROOM_RATE_HZ = 16_000
_CONNECT_TIMEOUT_S = 2.0
_READ_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Reference:
    """One reply's speech at the room's rate, when its words sound, and when it was asked for (monotonic clock, s)."""

    asked_mono_s: float
    audio: NDArray[np.int16]
    marks: tuple[WordMark, ...]

    def words_over_at(self, position_ms: float) -> int:
        """Return how many words have ended at a position."""
        return sum(len(mark.text.split()) for mark in self.marks if mark.end_ms <= position_ms)


@dataclass(slots=True)
class _Passed:
    began_mono_s: float
    raw: bytearray = field(default_factory=bytearray)


class Tap:
    """Stands between a satellite and its TTS server, passes everything on at once and keeps what the server said."""

    def __init__(self, server_uri: str) -> None:
        self._server_uri = server_uri
        self._passed: list[_Passed] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.uri = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.uri = f"tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def references(self) -> list[Reference]:
        """Return what was spoken so far, one a reply, in the order in which they were asked for."""
        found = [await _decoded(passed) for passed in self._passed]
        return [reference for reference in found if len(reference.audio)]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass_on(reader, writer), name="tap")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = _Passed(time.monotonic())
        self._passed.append(passed)
        server_reader, server_writer = await open_stream(self._server_uri, _CONNECT_TIMEOUT_S)
        there = asyncio.create_task(_copy(reader, server_writer, None), name="to the server")
        back = asyncio.create_task(_copy(server_reader, writer, passed.raw), name="from the server")
        try:
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            for stream in (writer, server_writer):
                stream.close()
                with contextlib.suppress(OSError):
                    await stream.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray | None) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_READ_BYTES):
            if kept is not None:
                kept += data
            writer.write(data)
            await writer.drain()


async def _decoded(passed: _Passed) -> Reference:
    resampler: ReplyResampler | None = None
    parts: list[NDArray[np.int16]] = [np.zeros(0, np.int16)]
    marks: list[WordMark] = []
    for event in await _events(bytes(passed.raw)):
        if AudioChunk.is_type(event.type):
            chunk = AudioChunk.from_event(event)
            resampler = resampler or ReplyResampler(chunk.rate, ROOM_RATE_HZ)
            parts.append(resampler.process(np.frombuffer(chunk.audio, dtype="<i2").astype(np.int16)))
        elif WordMarks.is_type(event):
            marks.extend(WordMarks.from_event(event).marks)
    if resampler is not None:
        parts.append(resampler.flush())
    return Reference(passed.began_mono_s, np.concatenate(parts), tuple(marks))


async def _events(raw: bytes) -> list[Event]:
    reader = asyncio.StreamReader(limit=DEFAULT_LIMITS.header_bytes)
    reader.feed_data(raw)
    reader.feed_eof()
    events: list[Event] = []
    # A reply that was cut off may end inside a frame.
    with contextlib.suppress(FrameTruncatedError):
        while (event := await read_event(reader)) is not None:
            events.append(event)
    return events
