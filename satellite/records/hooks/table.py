"""Which hook a record of the trace runs, and what the hook gets to read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

Fields = Mapping[str, Any]
# What a hook reads; None: this record does not run it.
_Input = Callable[[Fields], str | None]


class Hook(Enum):
    """The hooks that there are, by the names of wyoming-satellite."""

    STARTUP = "startup"
    DETECT = "detect"
    DETECTION = "detection"
    TRANSCRIPT = "transcript"
    STT_START = "stt-start"
    STT_STOP = "stt-stop"
    SYNTHESIZE = "synthesize"
    TTS_START = "tts-start"
    TTS_STOP = "tts-stop"
    TTS_PLAYED = "tts-played"
    STREAMING_START = "streaming-start"
    STREAMING_STOP = "streaming-stop"
    ERROR = "error"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    TIMER_STARTED = "timer-started"
    TIMER_UPDATED = "timer-updated"
    TIMER_CANCELLED = "timer-cancelled"
    TIMER_FINISHED = "timer-finished"

    @property
    def setting(self) -> str:
        """The name of the setting that holds its command."""
        return f"{self.value}-command"


@dataclass(frozen=True, slots=True)
class HookCall:
    """A hook to run, and its standard input."""

    hook: Hook
    stdin: bytes


def hook_call(kind: str, fields: Fields) -> HookCall | None:
    """Give the hook that a record of the trace runs, if any; missing fields are empty."""
    if kind not in _TABLE:
        return None
    hook, what_it_reads = _TABLE[kind]
    text = what_it_reads(fields)
    # JSON from the network can carry half a surrogate pair, UTF-8 cannot.
    return None if text is None else HookCall(hook, text.encode("utf-8", "replace"))


def _nothing(_fields: Fields) -> str:
    return ""


def _text_of(field: str) -> _Input:
    return lambda fields: str(fields.get(field, ""))


def _words(fields: Fields) -> str | None:
    # A murmur is transcribed too: nobody said anything.
    return str(fields.get("text", "")) or None


def _wake_word(fields: Fields) -> str | None:
    # Who was told of a wake word waits for a turn; a stop word begins none.
    return str(fields.get("name", "")) if fields.get("role") != "stop" else None


def _nothing_once_heard(fields: Fields) -> str | None:
    # An interruption is the end of what sounded; of what nobody had heard yet there is no end, and what failed was
    # played as far as it went.
    return "" if fields.get("heard_ms", 0) > 0 and fields.get("reason") != "failed" else None


def _timer_event(kind: str) -> _Input:
    # wyoming-satellite writes the whole event, and scripts pick its data out of it.
    return lambda fields: json.dumps({"type": kind, "data": fields.get("data", {})}, ensure_ascii=False)


def _timer_id(fields: Fields) -> str:
    return str(fields.get("data", {}).get("id", ""))


_TABLE: dict[str, tuple[Hook, _Input]] = {
    "startup": (Hook.STARTUP, _nothing),
    "detect": (Hook.DETECT, _nothing),
    "detection": (Hook.DETECTION, _wake_word),
    "streaming-start": (Hook.STREAMING_START, _nothing),
    "streaming-stop": (Hook.STREAMING_STOP, _nothing),
    "stt-open": (Hook.STT_START, _nothing),
    "stt-end": (Hook.STT_STOP, _nothing),
    "stt-abort": (Hook.STT_STOP, _nothing),
    "transcript": (Hook.TRANSCRIPT, _words),
    "synthesize": (Hook.SYNTHESIZE, _text_of("text")),
    "first-audio": (Hook.TTS_START, _nothing),
    "reply-received": (Hook.TTS_STOP, _nothing),
    "reply-played": (Hook.TTS_PLAYED, _nothing),
    "interrupt": (Hook.TTS_PLAYED, _nothing_once_heard),
    "failed": (Hook.ERROR, _text_of("error")),
    "connected": (Hook.CONNECTED, _nothing),
    "disconnected": (Hook.DISCONNECTED, _nothing),
    "timer-started": (Hook.TIMER_STARTED, _timer_event("timer-started")),
    "timer-updated": (Hook.TIMER_UPDATED, _timer_event("timer-updated")),
    "timer-cancelled": (Hook.TIMER_CANCELLED, _timer_id),
    "timer-finished": (Hook.TIMER_FINISHED, _timer_id),
}
