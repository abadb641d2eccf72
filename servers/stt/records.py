"""Records of the STT server. A peer is named by its address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from interject.wire.trace import Record


@dataclass(frozen=True, slots=True)
class TranscribeStarted(Record):
    """An utterance begins."""

    KIND: ClassVar[str] = "transcribe-started"

    peer: str


@dataclass(frozen=True, slots=True)
class TranscribeAborted(Record):
    """The client has left before its text was there, after so much audio."""

    KIND: ClassVar[str] = "aborted"

    peer: str
    audio_s: float


@dataclass(frozen=True, slots=True)
class TranscribeRefused(Record):
    """An utterance is not taken: the code of the error that the client gets."""

    KIND: ClassVar[str] = "refused"

    peer: str
    code: str


@dataclass(frozen=True, slots=True)
class PartialRecognised(Record):
    """Words that will not change any more; confidence: how likely they were said, 0 to 1."""

    KIND: ClassVar[str] = "partial"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    peer: str
    text: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class TextRecognised(Record):
    """The text of an utterance.

    figures: what the engine tells of how sure it is. took_s: from the end of the audio to the text.
    """

    KIND: ClassVar[str] = "transcript"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    peer: str
    text: str
    confidence: float | None
    figures: dict[str, float]
    audio_s: float
    took_s: float
