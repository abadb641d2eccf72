"""What we add to Wyoming, and a peer may ignore: events of our own, and a field (docs/protocol.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wyoming.user_event import UserEvent

from interject.wire.errors import RequestError

if TYPE_CHECKING:
    from wyoming.event import Event

INTERRUPT = "interrupt"
INTERRUPTED = "interrupted"
WORD_MARKS = "word-marks"
_CONFIDENCE = "confidence"
# More digits say nothing.
_CONFIDENCE_DIGITS = 3


def with_confidence(event: Event, confidence: float | None) -> Event:
    """Return a `transcript` or `transcript-chunk` that says how likely it is that its words were said, if known."""
    if confidence is not None:
        event.data[_CONFIDENCE] = round(confidence, _CONFIDENCE_DIGITS)
    return event


def confidence_of(event: Event) -> float | None:
    """Return it, from 0 to 1; None where the peer does not say, or means something else by that name."""
    value = event.data.get(_CONFIDENCE)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)


def user_event_name(event: Event) -> str | None:
    """Return the name of a user event, None for any other event."""
    if not UserEvent.is_type(event.type):
        return None
    name = event.data.get("name")
    return name if isinstance(name, str) else None


def _body(event: Event) -> dict[str, Any]:
    body = event.data.get("data")
    return body if isinstance(body, dict) else {}


def _context(event: Event) -> dict[str, Any]:
    context = event.data.get("context")
    return context if isinstance(context, dict) else {}


# The largest whole number that every JSON reader keeps exact (RFC 8259, section 6).
_MAX_NUMBER = 2**53 - 1


def _number(body: dict[str, Any], key: str) -> float:
    value = body.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_NUMBER:
        raise RequestError("bad-event", f"{key} is {str(value)[:40]}, not a number from 0 to {_MAX_NUMBER}")
    return value


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key, "")
    if not isinstance(value, str):
        raise RequestError("bad-event", f"{key} is a {type(value).__name__}, not a string")
    return value


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The user cut a reply off: satellite to LLM bridge and TTS.

    `text` is all of the reply known so far, `heard` the part that left the loudspeaker, `heard_ms` its length;
    `context` holds conversation_id and satellite_id. `reason`: speech, stop-word, wake-word, text, early (nothing
    was heard), failed, announcement.
    """

    reason: str
    epoch: int
    text: str = ""
    heard: str = ""
    heard_ms: int = 0
    context: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def is_type(event: Event) -> bool:
        """Tell whether an event is one of these."""
        return user_event_name(event) == INTERRUPT

    def event(self) -> Event:
        """Make the wire event."""
        body = {
            "reason": self.reason,
            "epoch": self.epoch,
            "text": self.text,
            "heard": self.heard,
            "heard_ms": self.heard_ms,
        }
        return UserEvent(name=INTERRUPT, data=body, context=self.context).event()

    @staticmethod
    def from_event(event: Event) -> Interrupt:
        """Read a wire event; raises RequestError for a field of a wrong type or range."""
        body = _body(event)
        return Interrupt(
            reason=_text(body, "reason"),
            epoch=int(_number(body, "epoch")),
            text=_text(body, "text"),
            heard=_text(body, "heard"),
            heard_ms=int(_number(body, "heard_ms")),
            context=_context(event),
        )


@dataclass(frozen=True, slots=True)
class Interrupted:
    """What the history now says of an interrupted reply: LLM bridge to satellite, the answer to `interrupt`.

    `content` is the assistant's message as the model will see it, empty when it is gone altogether.
    """

    epoch: int
    content: str
    context: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def is_type(event: Event) -> bool:
        """Tell whether an event is one of these."""
        return user_event_name(event) == INTERRUPTED

    def event(self) -> Event:
        """Make the wire event."""
        body = {"epoch": self.epoch, "content": self.content}
        return UserEvent(name=INTERRUPTED, data=body, context=self.context).event()

    @staticmethod
    def from_event(event: Event) -> Interrupted:
        """Read a wire event; raises RequestError for a field of a wrong type or range."""
        body = _body(event)
        return Interrupted(epoch=int(_number(body, "epoch")), content=_text(body, "content"), context=_context(event))


@dataclass(frozen=True, slots=True)
class WordMark:
    """When a written word sounds, in milliseconds from the first sample of the whole reply.

    `text` is the word as written, up to the next white space.
    """

    text: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True)
class WordMarks:
    """When the next words sound: TTS to satellite, before the audio that they describe.

    `estimated` says that the engine could not tell and the times are worked out from the length of the audio.
    """

    marks: tuple[WordMark, ...]
    estimated: bool = False

    @staticmethod
    def is_type(event: Event) -> bool:
        """Tell whether an event is one of these."""
        return user_event_name(event) == WORD_MARKS

    def event(self) -> Event:
        """Make the wire event."""
        marks = [{"text": mark.text, "start_ms": mark.start_ms, "end_ms": mark.end_ms} for mark in self.marks]
        return UserEvent(name=WORD_MARKS, data={"marks": marks, "estimated": self.estimated}).event()

    @staticmethod
    def from_event(event: Event) -> WordMarks:
        """Read a wire event; raises RequestError for a field of a wrong type or range."""
        body = _body(event)
        marks = body.get("marks", [])
        if not isinstance(marks, list) or not all(isinstance(mark, dict) for mark in marks):
            raise RequestError("bad-event", "marks is not a list of objects")
        return WordMarks(
            marks=tuple(
                WordMark(_text(mark, "text"), _number(mark, "start_ms"), _number(mark, "end_ms")) for mark in marks
            ),
            estimated=body.get("estimated") is True,
        )
