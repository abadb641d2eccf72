"""What a check-up heard and played, and where in it the parts of its programme are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from pathlib import Path

    from interject.satellite.audio.base import Samples
    from interject.satellite.doctor.signals import Part, Programme


# A device may begin late, or slip in silence where its two clocks differ.
_EARLY_S, _LATE_S = 1.0, 2.0
# So much of a part must be there, as a share of its energy.
_WHOLE = 0.7


class NotMeasuredError(InterjectError):
    """The check-up could not be carried through."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"nothing could be measured: {reason}; {remedy}")
        self.reason = reason
        self.remedy = remedy


class NotRecordedError(InterjectError):
    """A recording cannot be kept."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"nothing can be recorded in {folder}: {reason}; give another folder with --record")
        self.folder = folder
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Microphone and loudspeaker frame by frame, int16 at `rate_hz`.

    gaps: how often the device lost audio; lost_frames: how much, where it counts what it loses.
    """

    rate_hz: int
    mic: Samples
    played: Samples
    gaps: int = 0
    lost_frames: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of the programme are in a recording, in frames of the device."""

    sweep: slice
    quiet: slice
    speech: slice
    last_sweep: slice


def lay_out(programme: Programme, recording: Recording) -> Layout:
    """Find the parts in what was played; raises NotMeasuredError where one is not there."""
    sweep = _find(programme.sweep, recording)
    quiet_from = sweep.stop + programme.quiet.start - programme.sweep.end
    return Layout(
        sweep=sweep,
        quiet=slice(quiet_from, quiet_from + len(programme.quiet.samples)),
        speech=_find(programme.speech, recording),
        last_sweep=_find(programme.last_sweep, recording),
    )


def _find(part: Part, recording: Recording) -> slice:
    wanted = part.samples.astype(np.float64)
    first = max(0, part.start - round(_EARLY_S * recording.rate_hz))
    searched = recording.played[first : part.end + round(_LATE_S * recording.rate_hz)].astype(np.float64)
    energy = float(wanted @ wanted)
    # As long as what is searched is enough: the lags that wrap around are left out.
    size = 1 << len(searched).bit_length()
    likeness = np.fft.irfft(np.fft.rfft(searched, size) * np.fft.rfft(wanted, size).conj(), size)
    lags = max(1, len(searched) - len(wanted) + 1)
    at = int(np.argmax(likeness[:lags]))
    if not energy or likeness[at] < _WHOLE * energy:
        raise NotMeasuredError(
            f"the loudspeaker's device took only a part of what was to be played ({part.name.lower()})",
            "end what else uses the device or the processor, check --snd-volume-multiplier, and try again",
        )
    return slice(first + at, first + at + len(wanted))
