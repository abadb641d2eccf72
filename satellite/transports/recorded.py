"""A transport that records what STT gets, for a person who wants to know why it misheard: a WAV file a stream."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.wav import WavRecorder, writer_thread
from interject.wire.outage import Outage

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    from interject.satellite.transports.base import RoomListener, Transport
    from interject.satellite.wake.base import WakeWord
    from interject.wire.events import Interrupt


_LOGGER = logging.getLogger(__name__)

_RATE_HZ = 16_000
# A minute of speech in the pieces that the conversation sends; a disk that takes longer is not worth its memory.
_QUEUE_PIECES = 3_000
# An utterance and those that a user's next breath begins; a stream beyond was never closed.
_MOST_OPEN = 8


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some audio of a stream, 16-bit mono; None: its end."""

    stream: int
    pcm: bytes | None
    at: datetime


class Recorder:
    """Writes each stream to DATE-TIME-stt-STREAM.wav in a folder, in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pieces: asyncio.Queue[_Piece] = asyncio.Queue(_QUEUE_PIECES)
        # None: a stream that cannot be recorded.
        self._open: dict[int, WavRecorder | None] = {}
        self._outage = Outage(_LOGGER)

    def write(self, stream: int, pcm: bytes) -> None:
        """Record more of a stream: 16 kHz, 16-bit, mono; returns at once."""
        self._put(_Piece(stream, pcm, datetime.now(UTC)))

    def close(self, stream: int) -> None:
        """Say that a stream has ended; returns at once, and does nothing for one that is not recorded."""
        self._put(_Piece(stream, None, datetime.now(UTC)))

    async def written(self) -> None:
        """Wait until all that was given has been written."""
        await self._pieces.join()

    async def run(self) -> None:
        """Record until cancelled; the files are whole then."""
        executor = writer_thread()
        try:
            while True:
                await self._take(await self._pieces.get(), executor)
                self._pieces.task_done()
        finally:
            for stream in tuple(self._open):
                await self._close(stream)
            executor.shutdown(wait=False)

    async def _take(self, piece: _Piece, executor: Executor) -> None:
        if piece.pcm is None:
            await self._close(piece.stream)
            return
        try:
            recorder = await self._recorder(piece, executor)
            if recorder is not None:
                await recorder.add(np.frombuffer(piece.pcm, np.int16))
        except OSError as error:
            await self._give_up(piece.stream, f"{self._folder}: {error.strerror or error}")

    async def _recorder(self, piece: _Piece, executor: Executor) -> WavRecorder | None:
        if piece.stream in self._open:
            return self._open[piece.stream]
        if len(self._open) >= _MOST_OPEN:
            await self._close(next(iter(self._open)))
        # Before it is opened: a stream that fails is not tried again with every piece.
        self._open[piece.stream] = None
        name = f"{piece.at.astimezone():%Y-%m-%d-%H%M%S-%f}-stt-{piece.stream}.wav"
        recorder = WavRecorder(self._folder / name, _RATE_HZ, 1, executor)
        await recorder.open()
        self._open[piece.stream] = recorder
        self._outage.worked("audio is recorded in %s again", self._folder)
        return recorder

    async def _close(self, stream: int) -> None:
        recorder = self._open.pop(stream, None)
        if recorder is None:
            return
        try:
            await recorder.close()
        except OSError as error:
            self._complain(f"{self._folder}: {error.strerror or error}")

    async def _give_up(self, stream: int, reason: str) -> None:
        self._complain(reason)
        recorder = self._open.get(stream)
        self._open[stream] = None
        if recorder is not None:
            with suppress(OSError):
                # It was told; what the file has is kept.
                await recorder.close()

    def _put(self, piece: _Piece) -> None:
        try:
            self._pieces.put_nowait(piece)
        except asyncio.QueueFull:
            self._complain(f"{self._folder} is too slow, so there are gaps")

    def _complain(self, reason: str) -> None:
        self._outage.failed("audio is missing from the recordings of --debug-recording-dir: %s", reason)


class RecordedTransport:
    """Passes everything on, and gives each stream's audio to a recorder too."""

    def __init__(self, transport: Transport, recorder: Recorder) -> None:
        self._transport = transport
        self._recorder = recorder

    async def run(self, listener: RoomListener) -> None:
        """Work until cancelled."""
        await self._transport.run(listener)

    def woken(self, word: WakeWord) -> None:
        """A wake word begins the utterance that is opened next."""
        self._transport.woken(word)

    def open_stt(self, stream: int) -> None:
        """Begin an utterance."""
        self._transport.open_stt(stream)

    def send_audio(self, stream: int, audio: bytes) -> None:
        """Send some of an utterance: 16 kHz, 16-bit, mono."""
        self._recorder.write(stream, audio)
        self._transport.send_audio(stream, audio)

    def end_stt(self, stream: int) -> None:
        """End an utterance: its text is wanted now."""
        self._recorder.close(stream)
        self._transport.end_stt(stream)

    def abort_stt(self, stream: int) -> None:
        """Forget an utterance."""
        self._recorder.close(stream)
        self._transport.abort_stt(stream)

    def turn_dropped(self) -> None:
        """The user's turn is over, and nothing is asked."""
        self._transport.turn_dropped()

    def ask(self, epoch: int, text: str) -> None:
        """Have a reply generated and spoken."""
        self._transport.ask(epoch, text)

    def cancel(self, interrupt: Interrupt) -> None:
        """Stop generation and synthesis of an epoch, and tell the servers what was heard of it."""
        self._transport.cancel(interrupt)

    def played(self, epoch: int) -> None:
        """A reply or an announcement was heard to its end, or had nothing to hear."""
        self._transport.played(epoch)
