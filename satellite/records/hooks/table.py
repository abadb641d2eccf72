"""Which hook a record runs, and what the hook gets to read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar, cast

from interject.satellite.records import conversation as talk
from interject.satellite.records import device, home_assistant
from interject.wire.trace import Record

R = TypeVar("R", bound=Record)
_Input = Callable[[R], str | None]


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


def hook_call(record: Record) -> HookCall | None:
    """Give the hook that a record runs, if any."""
    row = _TABLE.get(type(record))
    if row is None:
        return None
    text = row.reads(record)
    # JSON from the network can carry half a surrogate pair, UTF-8 cannot.
    return None if text is None else HookCall(row.hook, text.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class _Row:
    """A hook, and what it reads of a record; None: this record does not run it."""

    hook: Hook
    reads: _Input[Record]


def _runs(record: type[R], hook: Hook, reads: _Input[R] = lambda _: "") -> tuple[type[Record], _Row]:
    return record, _Row(hook, cast("_Input[Record]", reads))


def _wake_word(record: talk.WordDetected) -> str | None:
    # Who was told of a wake word waits for a turn; a stop word begins none.
    return record.name if record.role != "stop" else None


def _nothing_once_heard(record: talk.ReplyInterrupted) -> str | None:
    # An interruption is the end of what sounded; of what nobody had heard yet there is no end, and what failed was
    # played as far as it went.
    return "" if record.heard_ms > 0 and record.reason != "failed" else None


def _timer_event(record: device.TimerChanged) -> str:
    # wyoming-satellite writes the whole event, and scripts pick its data out of it.
    return json.dumps({"type": record.KIND, "data": record.data}, ensure_ascii=False)


def _timer_id(record: device.TimerChanged) -> str:
    return str(record.data.get("id", ""))


_TABLE: dict[type[Record], _Row] = dict(
    (
        _runs(talk.Started, Hook.STARTUP),
        _runs(talk.AwaitsWakeWord, Hook.DETECT),
        _runs(talk.WordDetected, Hook.DETECTION, _wake_word),
        _runs(talk.StreamingStarted, Hook.STREAMING_START),
        _runs(talk.StreamingStopped, Hook.STREAMING_STOP),
        _runs(talk.SttOpened, Hook.STT_START),
        _runs(talk.SttEnded, Hook.STT_STOP),
        _runs(talk.SttAborted, Hook.STT_STOP),
        # A murmur is transcribed too: nobody said anything.
        _runs(talk.TextUnderstood, Hook.TRANSCRIPT, lambda it: it.text or None),
        _runs(talk.ReplyKnown, Hook.SYNTHESIZE, lambda it: it.text),
        _runs(talk.FirstAudio, Hook.TTS_START),
        _runs(talk.ReplyReceived, Hook.TTS_STOP),
        _runs(talk.ReplyPlayed, Hook.TTS_PLAYED),
        _runs(talk.ReplyInterrupted, Hook.TTS_PLAYED, _nothing_once_heard),
        _runs(talk.SttFailed, Hook.ERROR, lambda it: it.error),
        _runs(talk.ReplyFailed, Hook.ERROR, lambda it: it.error),
        _runs(home_assistant.Connected, Hook.CONNECTED),
        _runs(home_assistant.Disconnected, Hook.DISCONNECTED),
        _runs(device.TimerStarted, Hook.TIMER_STARTED, _timer_event),
        _runs(device.TimerUpdated, Hook.TIMER_UPDATED, _timer_event),
        _runs(device.TimerCancelled, Hook.TIMER_CANCELLED, _timer_id),
        _runs(device.TimerFinished, Hook.TIMER_FINISHED, _timer_id),
    )
)
