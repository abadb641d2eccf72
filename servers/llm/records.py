"""Records of the LLM bridge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from interject.wire.trace import Record


@dataclass(frozen=True, slots=True)
class QuestionReceived(Record):
    """A question is to be answered."""

    KIND: ClassVar[str] = "request"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    text: str
    conversation_id: str
    epoch: int | None


@dataclass(frozen=True, slots=True)
class GenerationRenewed(Record):
    """A reply is begun anew: what was heard of the one before is known now."""

    KIND: ClassVar[str] = "generation-renewed"

    conversation_id: str


@dataclass(frozen=True, slots=True)
class FirstToken(Record):
    """The first text of a reply is there, so long after it was asked for."""

    KIND: ClassVar[str] = "first-token"

    took_s: float
    conversation_id: str


@dataclass(frozen=True, slots=True)
class GenerationFinished(Record):
    """A reply is whole."""

    KIND: ClassVar[str] = "generation-finished"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    text: str
    conversation_id: str
    epoch: int | None


@dataclass(frozen=True, slots=True)
class GenerationCancelled(Record):
    """A reply was given up for a reason; upstream_closed_s: how long the engine took to stop."""

    KIND: ClassVar[str] = "generation-cancelled"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    reason: str
    text: str
    upstream_closed_s: float | None
    conversation_id: str
    epoch: int | None


@dataclass(frozen=True, slots=True)
class ReplyCorrected(Record):
    """What was heard of a reply that was cut off is noted.

    overstated: the client said that more was heard than was written.
    """

    KIND: ClassVar[str] = "interrupted"
    SPEECH: ClassVar[tuple[str, ...]] = ("content", "heard")

    content: str
    heard: str
    overstated: bool
    conversation_id: str | None
    epoch: int | None
