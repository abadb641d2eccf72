"""Records of the simulated room: what its user and its loudspeaker really did. Times are s of the device's clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from interject.wire.trace import Record


@dataclass(frozen=True, slots=True)
class ClockStarted(Record):
    """The simulated device runs."""

    KIND: ClassVar[str] = "clock"

    rate_hz: int


@dataclass(frozen=True, slots=True)
class UserSpeaks(Record):
    """The user begins to play a clip, whose voice begins at `onset_t`."""

    KIND: ClassVar[str] = "user-speaks"

    clip: str
    onset_t: float


@dataclass(frozen=True, slots=True)
class UserStops(Record):
    """The clip is over."""

    KIND: ClassVar[str] = "user-stops"

    clip: str


@dataclass(frozen=True, slots=True)
class LoudspeakerStarts(Record):
    """The loudspeaker is heard."""

    KIND: ClassVar[str] = "loudspeaker-starts"


@dataclass(frozen=True, slots=True)
class LoudspeakerStops(Record):
    """The loudspeaker is silent."""

    KIND: ClassVar[str] = "loudspeaker-stops"
