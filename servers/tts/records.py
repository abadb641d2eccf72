"""Records of the TTS server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from interject.wire.trace import Record


@dataclass(frozen=True, slots=True)
class SynthesisStarted(Record):
    """A text, or its beginning where it is streamed, is to be spoken."""

    KIND: ClassVar[str] = "synthesis-started"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    text: str
    streaming: bool


@dataclass(frozen=True, slots=True)
class SentenceSpoken(Record):
    """A sentence was synthesised: so much audio, after so long."""

    KIND: ClassVar[str] = "sentence"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    text: str
    audio_ms: float
    took_s: float


@dataclass(frozen=True, slots=True)
class FirstAudioSent(Record):
    """The first audio was sent, so long after the request."""

    KIND: ClassVar[str] = "first-audio"

    took_s: float


@dataclass(frozen=True, slots=True)
class SynthesisFinished(Record):
    """All audio was sent."""

    KIND: ClassVar[str] = "synthesis-finished"

    audio_ms: float


@dataclass(frozen=True, slots=True)
class SynthesisCancelled(Record):
    """The client wants no more, for a reason."""

    KIND: ClassVar[str] = "synthesis-cancelled"

    reason: str | None
    audio_ms: float


@dataclass(frozen=True, slots=True)
class SynthesisFailed(Record):
    """No more audio can be made, for a reason."""

    KIND: ClassVar[str] = "synthesis-failed"

    reason: str
    audio_ms: float
