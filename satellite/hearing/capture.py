"""The device's rate brought to 16 kHz with hardly any delay."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import soxr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satellite.devices.base import Samples

RATE_HZ = 16_000
_FULL_SCALE = np.float32(1 / 32768)

# soxr's own low-pass filters run block-wise: its 'LQ' holds back 2 to 20 ms (11 on average) of 48 kHz audio, 'MQ' and
# 'HQ' up to 40. Its 'QQ' (cubic interpolation) holds back nothing but filters nothing either. A short low-pass in
# front of it makes 0.8 ms of delay in all; 7 kHz passes (-0.2 dB), what folds back below 7 kHz is 57 dB down, and the
# interpolation errs by -43 dB at worst from 44.1 kHz, not at all from 48 kHz.
_CUTOFF_HZ = 7_900
_TRANSITION_HZ = 2_200
_STOP_BAND_DB = 60
# Below this the interpolation would be too coarse, and soxr's 'LQ' does all of it.
_FAST_FROM_HZ = 32_000


class CaptureResampler:
    """Streaming resampler of int16 mono at `rate_hz` to float32 (-1 to 1) at 16 kHz.

    Output sample n lies at device frame n * rate_hz / 16000 exactly, over any length: the delay shows only as output
    that comes a little later.
    """

    def __init__(self, rate_hz: int) -> None:
        self._taps = np.ones(1, np.float32)
        self._stream: soxr.ResampleStream | None = None
        if rate_hz != RATE_HZ:
            fast = rate_hz >= _FAST_FROM_HZ
            self._stream = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="QQ" if fast else "LQ")
            if fast:
                self._taps = _low_pass(rate_hz)
        # Half a filter of silence in front makes the first output the filter's centre on the first input.
        self._before = np.zeros(len(self._taps) // 2, np.float32)

    def process(self, samples: Samples) -> NDArray[np.float32]:
        """Take the next frames of the device, return what is ready at 16 kHz."""
        scaled = samples.astype(np.float32) * _FULL_SCALE
        if self._stream is None:
            return scaled
        if len(self._taps) > 1:
            scaled = np.concatenate([self._before, scaled])
            keep = len(self._taps) - 1
            self._before = scaled[max(0, len(scaled) - keep) :]
            if len(scaled) <= keep:
                return np.zeros(0, np.float32)
            scaled = np.convolve(scaled, self._taps, "valid")
        ready: NDArray[np.float32] = self._stream.resample_chunk(scaled)
        return ready


def _low_pass(rate_hz: int) -> NDArray[np.float32]:
    """Design a linear-phase low-pass by Kaiser's formulas (window method), an odd number of taps, gain 1."""
    width = 2 * math.pi * _TRANSITION_HZ / rate_hz
    count = math.ceil((_STOP_BAND_DB - 8) / (2.285 * width)) | 1
    beta = 0.1102 * (_STOP_BAND_DB - 8.7)
    offsets = np.arange(count) - (count - 1) / 2
    taps = np.sinc(2 * _CUTOFF_HZ / rate_hz * offsets) * np.kaiser(count, beta)
    normalised: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return normalised
