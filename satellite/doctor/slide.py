"""Does the echo keep its time? Two clocks that differ make it slide, a buffer that slips makes it jump."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.doctor.response import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Signal = NDArray[np.float64]

# A lag is looked for within this of the expected one: no buffer that slips slips further.
_REACH = round(0.1 * RATE_HZ)
# Drift of the worst clocks moves the echo by 0.3 ms from one second to the next; what moves it further is a jump.
_JUMP_MS = 1.0
# Height of the peak in units of the spread of all lags. The highest of 3,200 lags of noise reaches 4.
_LIKELY = 6.0
# Bands far below the mean have no say, though their phase is as good as any other's to a phase transform.
_FLOOR = 0.1
# The lag is read off between samples.
_FINER = 8
# Through fewer points a line says nothing.
_LEAST_POINTS = 4


@dataclass(frozen=True, slots=True)
class Moment:
    """How much later than expected the echo came, in milliseconds, about this second of the recording."""

    at_s: float
    late_ms: float


@dataclass(frozen=True, slots=True)
class Slide:
    """drift_ppm: how fast the delay grows, None where too little was heard of the echo; jumps_ms: its sudden steps."""

    drift_ppm: float | None
    jumps_ms: tuple[float, ...]


def lateness_ms(heard: Signal, expected: Signal) -> float | None:
    """Return by how much `heard` is later than `expected` (16 kHz, both of one length); None where it cannot be told.

    By a phase-transformed cross-correlation over 100 ms either way.
    """
    size = 1 << (len(heard) + _REACH).bit_length()
    cross = np.fft.rfft(heard, size) * np.fft.rfft(expected, size).conj()
    magnitude = np.abs(cross)
    floor = _FLOOR * float(magnitude.mean())
    if not floor > 0:
        return None
    lags = np.fft.irfft(cross / (magnitude + floor), _FINER * size)
    near = lags.take(np.arange(-_REACH * _FINER, _REACH * _FINER + 1), mode="wrap")
    at = int(np.argmax(near))
    if near[at] < _LIKELY * float(np.sqrt(np.mean(np.square(near)))):
        return None
    return (at - _REACH * _FINER) / _FINER * 1000 / RATE_HZ


def follow(moments: Sequence[Moment]) -> Slide:
    """Fit one slope to the stretches between jumps; `moments` are in order of time."""
    if len(moments) < _LEAST_POINTS:
        return Slide(None, ())
    stretches: list[list[Moment]] = [[moments[0]]]
    jumps: list[float] = []
    for before, after in pairwise(moments):
        step_ms = after.late_ms - before.late_ms
        if abs(step_ms) > _JUMP_MS:
            jumps.append(step_ms)
            stretches.append([])
        stretches[-1].append(after)
    return Slide(_slope_ppm(stretches), tuple(jumps))


def _slope_ppm(stretches: Sequence[Sequence[Moment]]) -> float | None:
    shared = spread = 0.0
    for stretch in stretches:
        at_s = np.array([moment.at_s for moment in stretch])
        late_ms = np.array([moment.late_ms for moment in stretch])
        at_s -= at_s.mean()
        shared += float(at_s @ late_ms)
        spread += float(at_s @ at_s)
    return shared / spread * 1000 if spread > 0 else None
