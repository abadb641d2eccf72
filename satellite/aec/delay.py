"""How much later than it was handed to the device the echo arrives at the microphone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.partitions import AUDIBLE_POWER, RATE_HZ, transform
from interject.satellite.audio.pcm import scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The buffers of the device, a network or Bluetooth loudspeaker's own, and the room.
MAX_DELAY_SAMPLES = round(0.4 * RATE_HZ)
# Blocks of the filter are 20 ms, so an eighth of a millisecond is plenty, and half of the work.
_DECIMATION = 2
# A hop and all lags before it, and next to no prime factors.
_FFT = 5_120
_HOP = 1_920
# 0.8 of it stays with each hop of 240 ms: a jump wins after a second, a user who talks meanwhile averages out.
_FORGETTING = scalar(0.8)
# Voices have little beyond this range, and loudspeakers are silent below.
_BAND_HZ = (150, 3_800)
# Bins far below the mean have no say, though their phase is as good as any other's to a phase transform.
_FLOOR = 0.1
_TINY = 1e-12
# Height of the peak in units of the spread of all lags. The highest of 3,200 lags of noise reaches 4.
_LIKELY = 6.5
# A delay that two estimates agree on is looked for again after so many hops: so much later a jump is found.
_SETTLED_EVERY = 2
# It takes two estimates that differ by less than 2 ms: one may be a period of a vowel off.
_AGREE_SAMPLES = 32
# The direct path and what comes within 1 ms of it: with more, whoever else talks would count too.
_DIRECT = RATE_HZ // 1_000 // _DECIMATION
# Keeps bins in which next to nothing was played from adding noise to a response (share of the mean power).
_REGULARISATION = 0.03


class DelayEstimator:
    """Finds the bulk delay, 0 to 400 ms, by a phase-transformed cross-correlation over the last seconds."""

    def __init__(self) -> None:
        # A hop at 16 kHz, and at half of that the microphone with silence before it, and what was played.
        self._hop = np.zeros((2, _HOP * _DECIMATION), np.float32)
        self._fill = 0
        self._signals = np.zeros((2, _FFT), np.float32)
        self._cross: NDArray[np.complexfloating] = np.zeros(_FFT // 2 + 1, np.complex64)
        first, last = (round(hz * _DECIMATION * _FFT / RATE_HZ) for hz in _BAND_HZ)
        self._band = slice(first, last)
        self._weighted = np.zeros(_FFT // 2 + 1, np.complex64)
        self._power = np.zeros(_FFT // 2 + 1, np.float32)
        self._magnitude = np.zeros(_FFT // 2 + 1, np.float32)
        self._spectra: NDArray[np.complexfloating] = np.zeros((2, _FFT // 2 + 1), np.complex64)
        self._previous: int | None = None
        # The last two estimates agree.
        self._is_settled = False
        self._measured = 0
        self.samples: int | None = None

    def push(self, mic: NDArray[np.float32], played: NDArray[np.float32]) -> bool:
        """Take the next 320 samples of both; tell whether `samples`, the delay at 16 kHz, was measured just now."""
        until = self._fill + len(mic)
        self._hop[0, self._fill : until] = mic
        self._hop[1, self._fill : until] = played
        self._fill = until
        if until < _HOP * _DECIMATION:
            return False
        self._fill = 0
        self._signals[1, :-_HOP] = self._signals[1, _HOP:]
        # The mean of neighbours is low-pass enough: what folds back does so in both signals alike.
        np.add(self._hop[:, 0::_DECIMATION], self._hop[:, 1::_DECIMATION], out=self._signals[:, -_HOP:])
        return self._measure()

    def forget(self) -> None:
        """Take the path for a new one: what was heard of the former no longer counts."""
        self._cross[:] = 0
        self._power[:] = 0
        self._previous = None
        self._is_settled = False

    def gain_exceeds(self, limit: float) -> bool:
        """Tell whether more than `limit` of what was played (a ratio of powers) arrived with the delay just found."""
        # The microphone's spectrum holds a hop of what the other holds with all lags before it.
        power = self._power + scalar(_REGULARISATION * self._mean(self._power) + _TINY)
        # With any delay: far less in most cases, and found without a transform.
        gain = self._magnitude / power
        if 2 * float(gain.dot(gain)) / _FFT * (_FFT / _HOP) ** 2 <= limit:
            return False
        at = (self.samples or 0) // _DECIMATION
        found = np.fft.irfft(self._cross / power, _FFT) * (_FFT / _HOP)
        direct = found.take(np.arange(at - _DIRECT, at + _DIRECT), mode="wrap")
        return float(direct @ direct) > limit

    def _measure(self) -> bool:
        recent = self._signals[1, -_HOP - MAX_DELAY_SAMPLES // _DECIMATION :]
        if float(recent @ recent) / len(recent) / _DECIMATION**2 < AUDIBLE_POWER:
            return False
        transform(self._signals, self._spectra)
        heard, played = self._spectra
        power = np.abs(played)
        power *= power
        self._power *= _FORGETTING
        self._power += power
        heard *= np.conjugate(played, out=played)
        # As real numbers: a complex product takes twice as long.
        parts = self._cross.view(np.float32)
        parts *= _FORGETTING
        self._cross += heard
        self._measured += 1
        if self._is_settled and self._measured % _SETTLED_EVERY:
            return False
        magnitude = np.abs(self._cross, out=self._magnitude)
        weight = np.reciprocal(magnitude[self._band] + scalar(_FLOOR * self._mean(magnitude) + _TINY))
        np.multiply(self._cross[self._band], weight, out=self._weighted[self._band])
        lags = np.abs(np.fft.irfft(self._weighted, _FFT)[: MAX_DELAY_SAMPLES // _DECIMATION])
        at = int(np.argmax(lags))
        height = float(lags[at]) / (math.sqrt(float(lags @ lags) / len(lags)) + _TINY)
        found = at * _DECIMATION
        agrees = self._previous is not None and abs(found - self._previous) <= _AGREE_SAMPLES
        self._previous = found if height >= _LIKELY else None
        self._is_settled = self._previous is not None and agrees
        if not self._is_settled:
            return False
        self.samples = found
        return True

    def _mean(self, spectrum: NDArray[np.float32]) -> float:
        return float(spectrum[self._band].mean())
