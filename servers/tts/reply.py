"""One spoken reply on its way to a peer: the order of events and the time line."""

from __future__ import annotations

import contextlib
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wyoming.audio import AudioChunk, AudioStart, AudioStop

from interject.servers.markup import blanked
from interject.servers.tts.engines.base import Line
from interject.servers.tts.marks import shifted, tokens_of
from interject.servers.tts.records import FirstAudioSent, SentenceSpoken
from interject.servers.tts.sentences import is_whole
from interject.wire.events import WordMarks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from interject.servers.fair_queue import Owner
    from interject.servers.tts.engines.base import Piece, Voice
    from interject.servers.tts.synthesis_queue import SynthesisQueue
    from interject.wire.peer import Peer
    from interject.wire.trace import Trace

_WIDTH_BYTES = 2
_CHANNELS = 1


@dataclass(frozen=True, slots=True)
class ReplyOptions:
    """How replies are put together: the pause between sentences, punctuation to add, samples in a chunk."""

    sentence_pause_s: float
    auto_punctuation: str
    samples_per_chunk: int


class Reply:
    """Sends sentences as one stream: marks before their audio, one start, one stop, times from the first sample."""

    def __init__(
        self, peer: Peer, queue: SynthesisQueue, voice: Voice, options: ReplyOptions, trace: Trace, owner: Owner
    ) -> None:
        """`owner`: whose turn a sentence takes."""
        self._peer = peer
        self._owner = owner
        self._queue = queue
        self._voice = voice
        self._options = options
        self._trace = trace
        self._samples_sent = 0
        self._started = False
        self._pause_due = False

    @property
    def audio_ms(self) -> int:
        """How much audio has been sent."""
        return self._ms(self._samples_sent)

    async def say(self, line: Line) -> None:
        """Speak a line and send it; waits while the peer does not read. Raises RequestError, ConnectionError."""
        if not tokens_of(line.written):
            return
        began = time.monotonic()
        first_sample = self._samples_sent
        pending = bytearray()
        silence = self._pause() if self._pause_due else b""
        offset_ms = self._exact_ms(first_sample)
        heard = False
        async with contextlib.aclosing(self._queue.speak(self._voice, line, self._owner)) as batches:
            async for pieces in batches:
                if not heard and any(piece.pcm for piece in pieces):
                    heard = True
                    pending += silence
                    offset_ms = self._exact_ms(first_sample + len(silence) // _WIDTH_BYTES)
                await self._send_marks(pieces, offset_ms)
                for piece in pieces:
                    pending += piece.pcm
                await self._send_audio(pending, self._options.samples_per_chunk, began)
        # What is left does not wait for the next line, which may be a while in coming.
        await self._send_audio(pending, 1, began)
        self._pause_due = is_whole(line.written) if heard else self._pause_due
        self._trace.emit(
            SentenceSpoken(
                text=line.written,
                audio_ms=self._ms(self._samples_sent - first_sample),
                took_s=round(time.monotonic() - began, 4),
            )
        )

    async def finish(self) -> None:
        """End the stream; without any audio it has a start and a stop all the same."""
        await self._start()
        await self._peer.send(AudioStop(timestamp=self.audio_ms).event())

    def _pause(self) -> bytes:
        return bytes(_WIDTH_BYTES * round(self._options.sentence_pause_s * self._voice.rate_hz))

    async def _send_marks(self, pieces: Sequence[Piece], offset_ms: float) -> None:
        for estimated, group in itertools.groupby(pieces, key=lambda piece: piece.estimated):
            marks = [item for piece in group for item in piece.marks]
            if marks:
                await self._peer.send(WordMarks(shifted(marks, offset_ms), estimated).event())

    async def _send_audio(self, pending: bytearray, min_samples: int, began: float) -> None:
        size = self._options.samples_per_chunk * _WIDTH_BYTES
        while len(pending) >= min_samples * _WIDTH_BYTES:
            chunk = bytes(pending[:size])
            del pending[:size]
            if not self._started:
                await self._start()
                self._trace.emit(FirstAudioSent(took_s=round(time.monotonic() - began, 4)))
            timestamp = self.audio_ms
            self._samples_sent += len(chunk) // _WIDTH_BYTES
            await self._peer.send(
                AudioChunk(
                    rate=self._voice.rate_hz, width=_WIDTH_BYTES, channels=_CHANNELS, audio=chunk, timestamp=timestamp
                ).event()
            )

    async def _start(self) -> None:
        if not self._started:
            self._started = True
            await self._peer.send(
                AudioStart(rate=self._voice.rate_hz, width=_WIDTH_BYTES, channels=_CHANNELS, timestamp=0).event()
            )

    def _exact_ms(self, samples: int) -> float:
        return samples * 1000 / self._voice.rate_hz

    def _ms(self, samples: int) -> int:
        return samples * 1000 // self._voice.rate_hz


def line_of(sentence: str, auto_punctuation: str = "") -> Line:
    """Make a line of a sentence; markup is not spoken, and each word stays in its place.

    One that ends in a letter or a digit gets the first of `auto_punctuation`, because some voices break off without.
    Engines take strings that end with a zero: one inside would end it early.
    """
    spoken = blanked(sentence).rstrip().replace("\0", " ")
    if auto_punctuation and spoken[-1:].isalnum():
        spoken += auto_punctuation[0]
    return Line(sentence, spoken)


def lines_of(sentences: Iterable[str], auto_punctuation: str) -> list[Line]:
    """Make lines of sentences that were cut from a text that goes on."""
    return [line_of(sentence, auto_punctuation if is_whole(sentence) else "") for sentence in sentences]
