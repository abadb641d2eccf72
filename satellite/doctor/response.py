"""The way from the loudspeaker to the microphone, from a sweep: its response, and what the loudspeaker adds to it.

A. Farina, "Simultaneous measurement of impulse response and distortion with a swept-sine technique", AES 108, 2000:
the response to the k-th harmonic comes before the linear one, by the time in which the sweep rises k-fold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.doctor.signals import SWEEP_HIGH_HZ, SWEEP_LOW_HZ, SWEEP_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Signal = NDArray[np.float64]


RATE_HZ = 16_000
# What is heard so long after a sweep is looked at.
HEARD_AFTER_S = 2.0
_SWEEP_FRAMES = round(SWEEP_S * RATE_HZ)
# Longer than sweep, delay, ringing and the harmonics in front of them.
_FFT = 1 << 16
# aplay holds half a second unless it is told otherwise, and a Bluetooth loudspeaker some more.
_MAX_DELAY = round(1.0 * RATE_HZ)
# What is taken of the response before and after its direct sound.
_BEFORE = round(0.002 * RATE_HZ)
AFTER = round(0.2 * RATE_HZ)
# What comes this late is noise alone: the latest sound has rung for 0.6 s.
_NOISE = slice(round(1.6 * RATE_HZ), round(HEARD_AFTER_S * RATE_HZ))
# The highest of 16,000 lags of noise reaches 4 times its spread.
_LEAST_HEIGHT = 8.0
# A wall may throw back more than the direct sound, never so much more.
_DIRECT_SHARE = 0.5
# The harmonics that a small loudspeaker makes; higher ones are weaker, and lie in each other's way.
_HARMONICS = (2, 3, 4)
# Each is looked at from a little before its time to before the ringing of the next one is over.
_HARMONIC_BEFORE = round(0.01 * RATE_HZ)
_HARMONIC_AFTER = round(0.08 * RATE_HZ)
# A harmonic that is not clearly above the noise is none.
_ABOVE_NOISE = 2.0
# The band's edges are soft, as a hard edge rings.
_EDGE = 1.25
_REGULARISATION = 1e-6


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


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """The linear way at 16 kHz: a played sample's echo is `taps`, the first of them `first` samples after it.

    delay: of the direct sound, in samples. distortion: RMS of the harmonics relative to the fundamental; 0 where none
    is above the noise.
    """

    taps: Signal
    first: int
    delay: int
    distortion: float

    def predict(self, played: Signal) -> Signal:
        """Give the echo, as long as what is played; its beginning lacks what was played before."""
        size = 1 << (len(played) + self.first + len(self.taps)).bit_length()
        taps = np.concatenate((np.zeros(self.first), self.taps))
        return np.fft.irfft(np.fft.rfft(played, size) * np.fft.rfft(taps, size), size)[: len(played)]


def measure_response(mic: Signal, played: Signal) -> Response | None:
    """Return the response from a sweep and what followed it (16 kHz, -1 to 1); None where no echo can be found.

    Both begin with the sweep; `played` is the sweep alone, `mic` goes on for HEARD_AFTER_S.
    """
    whole = _deconvolve(mic, played, SWEEP_LOW_HZ)
    spread = float(np.sqrt(np.mean(np.square(whole[_NOISE]))))
    early = np.abs(whole[:_MAX_DELAY])
    highest = float(early.max())
    if not highest > _LEAST_HEIGHT * spread:
        return None
    delay = int(np.argmax(early >= _DIRECT_SHARE * highest))
    first = max(0, delay - _BEFORE)
    # No harmonic is lower than twice the sweep's beginning, but much of a room's noise is.
    harmonics = _deconvolve(mic, played, _HARMONICS[0] * SWEEP_LOW_HZ)
    return Response(whole[first : delay + AFTER], first, delay, _distortion(harmonics, delay))


def _deconvolve(mic: Signal, played: Signal, low_hz: float) -> Signal:
    spectrum = np.fft.rfft(played, _FFT)
    power = np.square(np.abs(spectrum))
    hz = np.fft.rfftfreq(_FFT, 1 / RATE_HZ)
    rise = np.clip((hz / low_hz - 1) / (_EDGE - 1), 0, 1)
    fall = np.clip((SWEEP_HIGH_HZ / np.maximum(hz, 1) - 1) / (_EDGE - 1), 0, 1)
    band = np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * fall) ** 2
    heard = np.fft.rfft(mic[: _SWEEP_FRAMES + _NOISE.stop], _FFT)
    return np.fft.irfft(band * heard * spectrum.conj() / (power + _REGULARISATION * power.max()), _FFT)


def _distortion(whole: Signal, delay: int) -> float:
    fundamental = _energy(whole, delay)
    noise = float(np.mean(np.square(whole[_NOISE]))) * (_HARMONIC_BEFORE + _HARMONIC_AFTER)
    scale_s = SWEEP_S / math.log(SWEEP_HIGH_HZ / SWEEP_LOW_HZ)
    found = 0.0
    for order in _HARMONICS:
        energy = _energy(whole, delay - round(scale_s * math.log(order) * RATE_HZ))
        if energy > _ABOVE_NOISE * noise:
            found += energy - noise
    return math.sqrt(found / fundamental)


def _energy(whole: Signal, at: int) -> float:
    # What comes before lag 0 is at the end of a circle.
    part = whole.take(np.arange(at - _HARMONIC_BEFORE, at + _HARMONIC_AFTER), mode="wrap")
    return float(part @ part)


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
