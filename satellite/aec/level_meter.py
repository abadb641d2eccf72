"""Measures how loud the echo is at the microphone, for a device without a canceller of ours."""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 16_000

# One measurement a second of playback: long enough to tell our voice from the user's.
_WINDOW = RATE_HZ
# The longest way from the device's reference to the microphone: buffers and room together are 40 to 150 ms.
_MAX_LAG = round(0.3 * RATE_HZ)
# A little before and most of the energy after the direct path of a living room.
_BEFORE_PEAK = round(0.002 * RATE_HZ)
_AFTER_PEAK = round(0.030 * RATE_HZ)
# How much of the previous spectra stays: some seven windows count, which averages the user out and still finds a
# moved loudspeaker again.
_FORGETTING = 0.85
# Keeps bands where our voice has no energy from adding noise to the response (share of the mean power).
_REGULARISATION = 0.03
# Quieter playback tells nothing about the echo.
_MIN_PLAYED_DBFS = -50.0
# A microphone that gave zeros for longer was switched off meanwhile.
_MOSTLY = _WINDOW // 2
# The figure is the median over this many seconds of playback, and there is none before the first few.
_KEPT_WINDOWS = 15
_FIRST_WINDOWS = 3
# What is lower is no echo; also what keeps logarithms finite.
_FLOOR_DB = -80.0


class EchoMeter:
    """How loud our loudspeaker arrives at the microphone, relative to what was played.

    From the seconds with playback it estimates the response from loudspeaker to microphone by a regularised FFT
    cross-correlation, kept around its peak, and correlates what that response predicts for the *next* second with
    what was heard in it. The errors of the two are independent, and so is a user who talks meanwhile: on average only
    the power of the echo remains. The result is the median over the last seconds: it is within 3 dB down to
    -25 dB when a user as loud as we talks for a third of the time, and to -60 dB when only we talk.
    """

    def __init__(self) -> None:
        self._mic = np.zeros(_MAX_LAG + _WINDOW, np.float32)
        self._played = np.zeros(_MAX_LAG + _WINDOW, np.float32)
        self._fill = _MAX_LAG
        bins = len(self._mic) // 2 + 1
        self._cross: NDArray[np.complexfloating] = np.zeros(bins, np.complex64)
        self._power: NDArray[np.floating] = np.zeros(bins, np.float32)
        self._returns: deque[float] = deque(maxlen=_KEPT_WINDOWS)

    @property
    def echo_db(self) -> float | None:
        """Echo relative to what was played, in dB; None until there was enough playback (about 4 s)."""
        if len(self._returns) < _FIRST_WINDOWS:
            return None
        return _db(statistics.median(self._returns))

    def push(self, mic: NDArray[np.float32], played: NDArray[np.float32]) -> None:
        """Take the next samples of both signals, as many of each (16 kHz, -1 to 1)."""
        while len(mic):
            count = min(len(mic), len(self._mic) - self._fill)
            self._mic[self._fill : self._fill + count] = mic[:count]
            self._played[self._fill : self._fill + count] = played[:count]
            self._fill += count
            mic, played = mic[count:], played[count:]
            if self._fill == len(self._mic):
                self._measure()
                self._mic[:_MAX_LAG] = self._mic[_WINDOW:]
                self._played[:_MAX_LAG] = self._played[_WINDOW:]
                self._fill = _MAX_LAG

    def _measure(self) -> None:
        heard, played = self._mic[_MAX_LAG:], self._played[_MAX_LAG:]
        played_energy = float(played @ played)
        if _db(played_energy / _WINDOW) < _MIN_PLAYED_DBFS or np.count_nonzero(heard) < _MOSTLY:
            return
        spectrum = np.fft.rfft(self._played)
        if self._power.any():
            echo = np.fft.irfft(spectrum * np.fft.rfft(self._response()), len(self._played))[_MAX_LAG:]
            self._returns.append(float(heard @ echo) / played_energy)
        aligned = np.zeros_like(self._mic)
        aligned[_MAX_LAG:] = heard
        self._cross = _FORGETTING * self._cross + np.fft.rfft(aligned) * np.conj(spectrum)
        # The cross spectrum sees one window of what the power sees with the lags in front of it.
        self._power = _FORGETTING * self._power + np.abs(spectrum) ** 2 * (_WINDOW / len(self._played))

    def _response(self) -> NDArray[np.float32]:
        """Return the impulse response estimated so far, zero away from its peak."""
        size = len(self._mic)
        whole = np.fft.irfft(self._cross / (self._power + _REGULARISATION * self._power.mean()), size)
        peak = int(np.argmax(np.abs(whole[:_MAX_LAG])))
        # Lags just below 0 lie at the end of the array.
        kept = np.arange(peak - _BEFORE_PEAK, peak + _AFTER_PEAK) % size
        response = np.zeros(size, np.float32)
        response[kept] = whole[kept]
        return response


def _db(power: float) -> float:
    return 10 * math.log10(max(power, 10 ** (_FLOOR_DB / 10)))
