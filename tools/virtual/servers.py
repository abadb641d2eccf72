"""Scripted STT, LLM and TTS servers with delays that can be set."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped

from interject.servers.llm.interruptions import Interruption, corrected
from interject.servers.llm.turns import Message, ReplyState, Turn, completed, messages_of
from interject.wire.events import Interrupt, Interrupted, WordMark, WordMarks
from tools.testing.virtual_clock import elapse
from tools.virtual.network import FakeServer, Link, tts_info
from tools.virtual.signals import RATE_HZ, magnitude, reply_voice

if TYPE_CHECKING:
    from collections.abc import Callable

    from wyoming.info import Info

    from interject.satellite.audio.base import Samples

WORD_S = 0.2
WORD_SAMPLES = round(WORD_S * RATE_HZ)
CHUNK_SAMPLES = 1024
_WORD = re.compile(r"r(\d+)w(\d+)")


@dataclass(slots=True)
class Heard:
    """What the recogniser got on one connection."""

    pieces: list[bytes] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    told: str = ""
    whole: bool = False

    def audio(self) -> Samples:
        return np.frombuffer(b"".join(self.pieces), "<i2")


class FakeStt(FakeServer):
    """Knows utterances by their magnitude; tells their words as they are complete, and all of it at the end.

    `texts` has for each utterance its words and its length in samples.
    """

    def __init__(
        self, texts: dict[int, tuple[str, int]], *, partial_s: float | None = 0.12, final_s: float = 0.08
    ) -> None:
        super().__init__("stt")
        self.texts = texts
        self.partial_s = partial_s
        self.final_s = final_s
        self.heard: list[Heard] = []
        self.contexts: list[object] = []
        self._by_link: dict[Link, Heard] = {}

    def garbage(self) -> Event:
        return Event("transcript", data={"text": 5})

    async def converse(self, link: Link, event: Event) -> None:
        if Transcribe.is_type(event.type):
            self.contexts.append(Transcribe.from_event(event).context)
            self._by_link[link] = Heard()
            self.heard.append(self._by_link[link])
        elif AudioChunk.is_type(event.type):
            heard = self._by_link[link]
            audio = AudioChunk.from_event(event).audio
            heard.pieces.append(audio)
            levels, counts = np.unique(np.abs(np.frombuffer(audio, "<i2").astype(np.int32)), return_counts=True)
            for level, count in zip(levels.tolist(), counts.tolist(), strict=True):
                heard.counts[level] = heard.counts.get(level, 0) + count
            text = self._text(heard)
            if self.partial_s is not None and text != heard.told:
                new, heard.told = text[len(heard.told) :], text
                self.start(self._later(link, TranscriptChunk(text=new).event(), self.partial_s))
        elif AudioStop.is_type(event.type):
            heard = self._by_link[link]
            heard.whole = True
            self.start(self._finish(link, self._text(heard)))

    async def _finish(self, link: Link, text: str) -> None:
        await elapse(self.final_s)
        await link.answer(TranscriptStart().event())
        await link.answer(TranscriptStop().event())
        await link.answer(Transcript(text=text).event())

    async def _later(self, link: Link, event: Event, delay_s: float) -> None:
        await elapse(delay_s)
        await link.answer(event)

    def _text(self, heard: Heard) -> str:
        words: list[str] = []
        for utterance, (text, samples) in self.texts.items():
            if count := heard.counts.get(magnitude(utterance)):
                spoken = text.split()
                words += spoken[: len(spoken) * count // samples]
        return " ".join(words)


@dataclass
class Generation:
    """One reply being generated; `epoch` of the satellite."""

    epoch: int
    task: asyncio.Task[None]


class FakeBridge(FakeServer):
    """Answers with words that tell reply and place, and keeps its history by the real bridge's own rules."""

    def __init__(self, words: Callable[[int], int], *, first_s: float = 0.1, token_s: float = 0.01) -> None:
        super().__init__("llm")
        self.words = words
        self.first_s = first_s
        self.token_s = token_s
        self.streaming = True
        self.turns: list[Turn] = []
        self.written: dict[int, str] = {}
        self.questions: list[str] = []
        self.most_at_once = 0
        self._live: dict[Link, Generation] = {}

    def garbage(self) -> Event:
        return Event("handled-chunk", data={"text": ["no"]})

    def history(self) -> list[Message]:
        return messages_of(self.turns)

    async def converse(self, link: Link, event: Event) -> None:
        if Transcript.is_type(event.type):
            question = Transcript.from_event(event)
            epoch = int((question.context or {}).get("epoch", 0))
            self.questions.append(question.text)
            self.turns.append(
                Turn(len(self.turns), epoch, question.text, "", ReplyState.PENDING, created=0.0, ended=0.0, engine="")
            )
            self._live[link] = Generation(epoch, self.start(self._generate(link, epoch, len(self.turns) - 1)))
            self.most_at_once = max(self.most_at_once, len(self._live))
        elif Interrupt.is_type(event):
            interrupt = Interrupt.from_event(event)
            for other, generation in tuple(self._live.items()):
                if generation.epoch <= interrupt.epoch:
                    generation.task.cancel()
                    del self._live[other]
            told = Interruption(interrupt.reason, interrupt.epoch, interrupt.text, interrupt.heard)
            correction = corrected(self.turns, told, 0.0, self.written)
            if correction.turn is not None and correction.turn.turn_id is not None:
                self.turns[correction.turn.turn_id] = correction.turn
            await link.answer(Interrupted(interrupt.epoch, correction.content).event())

    def ended(self, link: Link) -> None:
        generation = self._live.pop(link, None)
        if generation is not None:
            generation.task.cancel()

    async def _generate(self, link: Link, epoch: int, turn: int) -> None:
        await elapse(self.first_s)
        words = [f"r{epoch}w{number}" for number in range(self.words(epoch))]
        text = " ".join(words) + "." if words else ""
        if self.streaming:
            await link.answer(HandledStart().event())
            for number, word in enumerate(words):
                piece = word + (" " if number + 1 < len(words) else ".")
                self.written[turn] = self.written.get(turn, "") + piece
                await link.answer(HandledChunk(text=piece).event())
                await elapse(self.token_s)
            await link.answer(HandledStop().event())
        self.written[turn] = text
        self.turns[turn] = completed(self.turns[turn], text, 0.0)
        self._live.pop(link, None)
        await link.answer(Handled(text=text).event())


def word_marks(marks: object) -> Event:
    """Make a `word-marks` event of what need not be any."""
    return Event("user-event", data={"name": "word-marks", "data": {"marks": marks}})


def _mark(start_ms: object, end_ms: object) -> list[dict[str, object]]:
    return [{"text": "word", "start_ms": start_ms, "end_ms": end_ms}]


# What no ears could follow, each for a reason of its own.
BAD_MARKS: tuple[object, ...] = (
    5,
    ["word"],
    [{"text": 7}],
    _mark(float("nan"), 10),
    _mark(0, float("nan")),
    _mark(0, float("inf")),
    _mark(-1, 10),
    _mark("0", "10"),
    _mark(10, 5),
    [*_mark(20, 30), *_mark(10, 40)],
)


class FakeTts(FakeServer):
    """Speaks each word of a reply with its own stretch of that reply's voice."""

    def __init__(self, *, first_s: float = 0.06, real_time_factor: float = 0.2) -> None:
        super().__init__("tts")
        self.first_s = first_s
        self.real_time_factor = real_time_factor
        self.streaming = True
        self.marks = True
        # Sent in front of all speech.
        self.preface: list[Event] = []
        self.interrupts: list[Interrupt] = []
        self.contexts: list[object] = []
        self._text: dict[Link, asyncio.Queue[str | None]] = {}
        self._work: dict[Link, asyncio.Task[None]] = {}

    def info(self) -> Info:
        return tts_info(streaming=self.streaming)

    def garbage(self) -> Event:
        return Event("audio-chunk", data={"rate": "fast", "width": 2, "channels": 1}, payload=b"\0\0")

    async def converse(self, link: Link, event: Event) -> None:
        if SynthesizeStart.is_type(event.type):
            self.contexts.append(SynthesizeStart.from_event(event).context)
            self._text[link] = asyncio.Queue()
            self._work[link] = self.start(self._speak(link))
        elif SynthesizeChunk.is_type(event.type):
            self._text[link].put_nowait(SynthesizeChunk.from_event(event).text)
        elif SynthesizeStop.is_type(event.type):
            self._text[link].put_nowait(None)
        elif Synthesize.is_type(event.type) and Synthesize.from_event(event).text.strip():
            self.contexts.append(Synthesize.from_event(event).context)
            self._text[link] = asyncio.Queue()
            self._text[link].put_nowait(Synthesize.from_event(event).text)
            self._text[link].put_nowait(None)
            self._work[link] = self.start(self._speak(link))
        elif Interrupt.is_type(event):
            self.interrupts.append(Interrupt.from_event(event))

    def ended(self, link: Link) -> None:
        self._text.pop(link, None)
        work = self._work.pop(link, None)
        if work is not None:
            work.cancel()

    async def _speak(self, link: Link) -> None:
        texts = self._text[link]
        await elapse(self.first_s)
        await link.answer(AudioStart(rate=RATE_HZ, width=2, channels=1).event())
        for event in self.preface:
            await link.answer(event)
        position = 0
        while (text := await texts.get()) is not None:
            for word in _WORD.finditer(text):
                start_ms = position * 1000 * WORD_S
                mark = WordMark(word.group(), start_ms, start_ms + WORD_S * 1000)
                if self.marks:
                    await link.answer(WordMarks((mark,)).event())
                await self._say(link, int(word[1]), int(word[2]))
                position += 1
        await link.answer(AudioStop().event())
        if self.streaming:
            await link.answer(SynthesizeStopped().event())

    async def _say(self, link: Link, epoch: int, word: int) -> None:
        audio = reply_voice(epoch)[word * WORD_SAMPLES : (word + 1) * WORD_SAMPLES]
        for first in range(0, len(audio), CHUNK_SAMPLES):
            piece = audio[first : first + CHUNK_SAMPLES]
            await elapse(len(piece) / RATE_HZ * self.real_time_factor)
            await link.answer(AudioChunk(rate=RATE_HZ, width=2, channels=1, audio=piece.tobytes()).event())
