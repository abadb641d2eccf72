"""Records of the room device: its sound, its switches, its timers, its duplex mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from interject.wire.trace import Record


@dataclass(frozen=True, slots=True)
class DeviceReported(Record):
    """The sound device works, or has failed: a sentence for people."""

    KIND: ClassVar[str] = "device"

    health: str
    text: str


@dataclass(frozen=True, slots=True)
class LatenessMeasured(Record):
    """How late blocks of audio were handled in the last minute, in ms."""

    KIND: ClassVar[str] = "lateness"

    p50: float
    p90: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Muted(Record):
    """The microphone is off, by a switch."""

    KIND: ClassVar[str] = "muted"

    by: str


@dataclass(frozen=True, slots=True)
class Unmuted(Record):
    """The microphone is on, by a switch."""

    KIND: ClassVar[str] = "unmuted"

    by: str


@dataclass(frozen=True, slots=True)
class StillMuted(Record):
    """A switch was thrown, and the microphone stays off."""

    KIND: ClassVar[str] = "still-muted"

    by: str
    switched: str


@dataclass(frozen=True, slots=True)
class VolumeChanged(Record):
    """Everything is played that loud from now on."""

    KIND: ClassVar[str] = "volume"

    percent: int


@dataclass(frozen=True, slots=True)
class DuplexModeChanged(Record):
    """What may interrupt a reply has changed, and what that was concluded from.

    reason: why it is not better; None for the best mode.
    """

    KIND: ClassVar[str] = "duplex-mode"

    mode: str
    was: str
    reason: str | None
    barge_in: str
    barge_in_was: str
    echo_db: float | None
    residual_dbfs: float | None
    noise_dbfs: float | None
    erle_db: float | None
    delay_ms: float | None
    drift_ppm: float | None


@dataclass(frozen=True, slots=True)
class EmptyInterruption(Record):
    """A voice cut a reply off and said nothing; it may have been the echo, which is so loud."""

    KIND: ClassVar[str] = "empty-interruption"

    echo_db: float | None


@dataclass(frozen=True, slots=True)
class TimerChanged(Record):
    """A timer of Home Assistant's: the data of its event, and its name where that is known."""

    data: dict[str, Any]
    name: str | None


@dataclass(frozen=True, slots=True)
class TimerStarted(TimerChanged):
    """A timer was started."""

    KIND: ClassVar[str] = "timer-started"


@dataclass(frozen=True, slots=True)
class TimerUpdated(TimerChanged):
    """A timer was changed."""

    KIND: ClassVar[str] = "timer-updated"


@dataclass(frozen=True, slots=True)
class TimerCancelled(TimerChanged):
    """A timer was cancelled."""

    KIND: ClassVar[str] = "timer-cancelled"


@dataclass(frozen=True, slots=True)
class TimerFinished(TimerChanged):
    """A timer has run out."""

    KIND: ClassVar[str] = "timer-finished"


_TIMER_RECORDS = {kind.KIND: kind for kind in (TimerStarted, TimerUpdated, TimerCancelled, TimerFinished)}


def timer_record(event_type: str, data: dict[str, Any], name: str | None) -> TimerChanged:
    """Make the record of a timer event, whose type it shares; raises KeyError for another event."""
    return _TIMER_RECORDS[event_type](data, name)
