"""What clients send, read and checked."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interject.servers.llm.interruptions import Interruption
from interject.servers.llm.turns import Origin
from interject.wire.errors import RequestError

if TYPE_CHECKING:
    from wyoming.asr import Transcript

    from interject.wire.events import Interrupt

# Hours of dictation; a bound for what one event can put into the store.
_MAX_TEXT_CHARS = 100_000
# Identifiers in use have some 30 characters.
_MAX_ID_CHARS = 500
# The largest whole number that every JSON reader keeps exact (RFC 8259, section 6), as for an interrupt's.
_MAX_EPOCH = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Question:
    """A request for a reply."""

    text: str
    language: str | None
    conversation_id: str
    origin: Origin
    epoch: int | None

    def answer_context(self) -> dict[str, Any]:
        """Return the context that every answer to it carries."""
        epoch = {} if self.epoch is None else {"epoch": self.epoch}
        return {"conversation_id": self.conversation_id, **epoch}


def read_question(transcript: Transcript) -> Question:
    """Read a question; raises RequestError for fields of a wrong type or size, which wyoming does not check."""
    text: object = transcript.text
    if not isinstance(text, str) or not text.strip():
        raise RequestError("bad-event", "a transcript's text must be a text that is not empty")
    if len(text) > _MAX_TEXT_CHARS:
        raise RequestError("text-too-long", f"a transcript has at most {_MAX_TEXT_CHARS} characters")
    context: object = transcript.context or {}
    if not isinstance(context, dict):
        raise RequestError("bad-event", f"a transcript's context is a {type(context).__name__}, not an object")
    language: object = transcript.language
    origin = read_origin(context)
    return Question(
        text=_storable(text.strip()),
        language=language if isinstance(language, str) and language else None,
        conversation_id=origin.conversation_id or _new_conversation_id(origin),
        origin=origin,
        epoch=_read_epoch(context),
    )


def read_interruption(interrupt: Interrupt) -> Interruption:
    """Read what was cut off; raises RequestError."""
    if max(len(interrupt.text), len(interrupt.heard)) > _MAX_TEXT_CHARS:
        raise RequestError("text-too-long", f"an interrupt's texts have at most {_MAX_TEXT_CHARS} characters")
    text, heard = _storable(interrupt.text), _storable(interrupt.heard)
    return Interruption(interrupt.reason, interrupt.epoch, text, heard)


def read_origin(context: dict[str, Any]) -> Origin:
    """Read who speaks from an event's context; raises RequestError."""
    return Origin(
        conversation_id=_read_id(context, "conversation_id"),
        satellite_id=_read_id(context, "satellite_id"),
        device_id=_read_id(context, "device_id"),
    )


def _read_id(context: dict[str, Any], key: str) -> str | None:
    value = context.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise RequestError("bad-event", f"the context's {key} is a {type(value).__name__}, not a text")
    if len(value) > _MAX_ID_CHARS:
        raise RequestError("bad-event", f"the context's {key} has more than {_MAX_ID_CHARS} characters")
    return _storable(value)


def _read_epoch(context: dict[str, Any]) -> int | None:
    epoch = context.get("epoch")
    if epoch is None:
        return None
    if isinstance(epoch, bool) or not isinstance(epoch, int) or not 0 <= epoch <= _MAX_EPOCH:
        raise RequestError("bad-event", f"the context's epoch is no whole number from 0 to {_MAX_EPOCH}")
    return epoch


def _storable(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can carry and neither a database nor an HTTP body can."""
    return text.encode("utf-8", "replace").decode()


def _new_conversation_id(origin: Origin) -> str:
    """Return one conversation for each satellite or device, else a new one."""
    if origin.satellite_id is not None:
        return f"satellite-{origin.satellite_id}"
    if origin.device_id is not None:
        return f"device-{origin.device_id}"
    return uuid.uuid4().hex
