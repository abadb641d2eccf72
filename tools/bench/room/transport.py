"""A scripted pipeline: a recogniser that knows the truth, an assistant that goes on with its story."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.turn.settings import Judgement
from interject.wire.events import WordMark
from tools.bench.room.recogniser import FINAL_S, text_of, words_said
from tools.simulator.levels import RATE_HZ, frames_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from interject.satellite.audio.base import Samples
    from interject.satellite.transports.base import TransportListener
    from interject.satellite.wake.base import WakeWord
    from interject.wire.events import Interrupt
    from tools.bench.room.recogniser import Word
    from tools.simulator.rendering import RenderedScene

# From the question to the first audio of the reply.
_ANSWER_S = 0.2
# A text-to-speech server delivers pieces like these, five times as fast as they sound.
_PIECE_FRAMES = frames_of(0.2)
_REAL_TIME_FACTOR = 0.2
# Where the words of a reply begin does not matter here, except to a resume, which goes back to the last one.
_WORD_MS = 200.0
_WORD_BYTES = 2


@dataclass(slots=True)
class _Stream:
    """What the recogniser has of one utterance: the room's frames from `start` (None: nothing yet) to `end`."""

    start: int | None = None
    end: int = 0
    grown: asyncio.Event = field(default_factory=asyncio.Event)
    work: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Tell nothing more of it."""
        if self.work is not None:
            self.work.cancel()


class ScriptedTransport:
    """A Transport for one scene.

    heard_until: the frame after the last one that has been handed to speech recognition. Stable words are told as they
    come where words are what decides. A reply has no end: it takes the scene's material up where the reply before was
    cut off.
    """

    def __init__(self, rendered: RenderedScene, heard_until: Callable[[], int], judgement: Judgement) -> None:
        self._words = words_said(rendered.labels)
        self._rendered = rendered
        self._material = rendered.reply
        self._heard_until = heard_until
        self._judgement = judgement
        self._listener: TransportListener | None = None
        self._group: asyncio.TaskGroup | None = None
        self._streams: dict[int, _Stream] = {}
        self._replies: dict[int, asyncio.Task[None]] = {}
        self._begins: dict[int, int] = {}
        self._next_begin = 0

    def material(self, epoch: int, frame: int, count: int) -> Samples:
        """Give a stretch of a reply as it would sound with nobody speaking into it; `frame` of its own audio."""
        wanted = np.arange(self._begins[epoch] + frame, self._begins[epoch] + frame + count)
        return self._rendered.faded_in(self._material.take(wanted, mode="wrap"), frame)

    async def run(self, listener: TransportListener) -> None:
        """Work until cancelled."""
        self._listener = listener
        async with asyncio.TaskGroup() as self._group:
            await asyncio.Event().wait()

    def woken(self, word: WakeWord) -> None:
        """No wake word is said here."""

    def open_stt(self, stream: int) -> None:
        """Begin an utterance."""
        self._streams[stream] = opened = _Stream()
        if self._judgement is Judgement.WORDS:
            opened.work = self._start(self._tell_words(stream, opened))

    def send_audio(self, stream: int, audio: bytes) -> None:
        """Take in which part of the room's sound the recogniser has."""
        heard = self._streams[stream]
        heard.end = self._heard_until()
        if heard.start is None:
            heard.start = heard.end - len(audio) // _WORD_BYTES
        heard.grown.set()

    def end_stt(self, stream: int) -> None:
        """End an utterance: its text is wanted now."""
        ended = self._streams[stream]
        ended.stop()
        ended.work = self._start(self._finish(stream, ended))

    def abort_stt(self, stream: int) -> None:
        """Forget an utterance."""
        if stream in self._streams:
            self._streams.pop(stream).stop()

    def turn_dropped(self) -> None:
        """Nothing waits for a question."""

    def ask(self, epoch: int, text: str) -> None:  # noqa: ARG002 whatever is asked, the story goes on
        """Have a reply generated and spoken."""
        self._begins[epoch] = self._next_begin
        self._replies[epoch] = self._start(self._reply(epoch))

    def cancel(self, interrupt: Interrupt) -> None:
        """Stop a reply; the next one begins where this one was heard to."""
        reply = self._replies.pop(interrupt.epoch, None)
        if reply is not None:
            reply.cancel()
            heard = round(interrupt.heard_ms * RATE_HZ / 1000)
            self._next_begin = (self._begins[interrupt.epoch] + heard) % len(self._material)

    def played(self, epoch: int) -> None:
        """No reply comes to its end here."""

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        if self._group is None:
            raise RuntimeError("the pipeline does not run yet")
        return self._group.create_task(work)

    async def _tell_words(self, stream: int, heard: _Stream) -> None:
        """Tell all stable words whenever there is one more."""
        told: list[Word] = []
        for word in self._words:
            while heard.start is None or heard.end < word.end_frame:
                heard.grown.clear()
                await heard.grown.wait()
            if word.is_in(heard.start, heard.end):
                await asyncio.sleep((word.stable_frame - self._heard_until()) / RATE_HZ)
                told.append(word)
                self._listening.partial(stream, " ".join(word.text for word in told), None)

    async def _finish(self, stream: int, heard: _Stream) -> None:
        await asyncio.sleep(FINAL_S)
        del self._streams[stream]
        text = "" if heard.start is None else text_of(self._words, heard.start, heard.end)
        self._listening.transcribed(stream, text, None)

    async def _reply(self, epoch: int) -> None:
        await asyncio.sleep(_ANSWER_S)
        told: list[WordMark] = []
        fed = 0
        while True:
            marks = _marks(fed)
            told += marks
            self._listening.reply_text(epoch, " ".join(mark.text for mark in told))
            self._listening.reply_marks(epoch, marks)
            self._listening.reply_audio(epoch, self.material(epoch, fed, _PIECE_FRAMES).tobytes(), RATE_HZ)
            fed += _PIECE_FRAMES
            await asyncio.sleep(_PIECE_FRAMES / RATE_HZ * _REAL_TIME_FACTOR)
            await self._listening.room_for_audio(epoch)

    @property
    def _listening(self) -> TransportListener:
        if self._listener is None:
            raise RuntimeError("the pipeline does not run yet")
        return self._listener


def _marks(fed_frames: int) -> tuple[WordMark, ...]:
    """Give the words that begin in the next piece."""
    begin_ms = fed_frames * 1000 / RATE_HZ
    count = round(_PIECE_FRAMES * 1000 / RATE_HZ / _WORD_MS)
    starts = (begin_ms + number * _WORD_MS for number in range(count))
    return tuple(WordMark(f"word{round(start / _WORD_MS)}", start, start + _WORD_MS) for start in starts)
