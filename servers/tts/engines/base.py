"""What the server asks of an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from wyoming.info import TtsProgram
    from wyoming.tts import SynthesizeVoice

    from interject.wire.events import WordMark

# What is spoken lies seconds ahead of what is heard: whoever listens to the user (2 in the STT server) goes first. The
# threads that only pass audio on stay as they are.
NICENESS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence as it stands in the text, and as it is to be spoken.

    They are the same but for blanks in the place of markup, and punctuation at the end.
    """

    written: str
    spoken: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a sentence's speech, in order.

    `pcm`: 16-bit mono at the voice's rate. `marks`: the words that sound in it or, at the latest, that begin in it, in
    milliseconds from the sentence's first sample. `estimated`: the engine could not tell and the times are guesses.
    """

    pcm: bytes
    marks: tuple[WordMark, ...] = ()
    estimated: bool = False


class Sink(Protocol):
    """Takes the speech of one sentence in the engine's thread."""

    def deliver(self, piece: Piece) -> bool:
        """Hand over a piece; False when the engine should stop. Never blocks."""

    @property
    def stopped(self) -> bool:
        """Whether nobody wants the rest."""

    def on_stop(self, action: Callable[[], None]) -> None:
        """Have `action` called, from another thread, as soon as nobody wants the rest."""


class Voice(Protocol):
    """A voice that is ready to speak."""

    @property
    def rate_hz(self) -> int:
        """Samples a second."""

    def speak(self, line: Line, sink: Sink) -> None:
        """Synthesise one sentence; blocks, so it runs in a thread, one sentence at a time. Raises EngineError."""


class Engine(Protocol):
    """Something that can speak."""

    @property
    def sentence_pause_s(self) -> float:
        """The pause that its voices need between two sentences."""

    def program(self) -> TtsProgram:
        """Describe the engine and its voices as they are now."""

    def language(self, wanted: SynthesizeVoice | None) -> str:
        """Return the language of the wanted voice, or of the default one; empty if there is none such."""

    async def voice(self, wanted: SynthesizeVoice | None) -> Voice:
        """Get the wanted voice, or the default one, ready; raises RequestError when there is none such."""

    async def keep(self) -> None:
        """Do what is to be done while it serves, and return when nothing is; raises InterjectError if it never can."""

    async def close(self) -> None:
        """Give back what the engine holds; no sentence may be under way."""
