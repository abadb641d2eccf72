"""The device's rate brought to 16 kHz with hardly any delay."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.satellite.audio.pcm import scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples


RATE_HZ = 16_000
_FULL_SCALE = scalar(1 / 32768)

# soxr's own low-pass filters run block-wise: its 'LQ' holds back 2 to 20 ms (11 on average) of 48 kHz audio, 'MQ' and
# 'HQ' up to 40. Its 'QQ' (cubic interpolation) holds back nothing but filters nothing either. A short low-pass in
# front of it makes 0.8 ms of delay in all; 7 kHz passes (-0.2 dB), what folds back below 7 kHz is 57 dB down, and the
# interpolation errs by -43 dB at worst from 44.1 kHz. From 48 kHz there is nothing to interpolate: there each third
# output of the low-pass is wanted, and only those are calculated.
_CUTOFF_HZ = 7_900
_TRANSITION_HZ = 2_200
_STOP_BAND_DB = 60
# Below this the interpolation would be too coarse, and soxr's 'LQ' does all of it.
_FAST_FROM_HZ = 32_000
# Outputs that one row of a matrix product gives: with 8 to 32 it takes much the same time.
_OUTPUTS_AT_ONCE = 16


# Keeps everything below 0.9 of the lower Nyquist frequency. It holds back 20 to 40 ms of audio, which a synthesizer
# delivers ahead of time; 'HQ' holds back the same, and nobody hears its difference in 16 bit speech.
QUALITY = "MQ"


class CaptureResampler:
    """Streaming resampler of int16 mono at `rate_hz` to float32 (-1 to 1) at 16 kHz.

    Output sample n lies at device frame n * rate_hz / 16000 exactly, over any length: the delay shows only as output
    that comes a little later.
    """

    def __init__(self, rate_hz: int) -> None:
        self._taps = np.ones(1, np.float32)
        self._stream: soxr.ResampleStream | None = None
        self._decimator: _Decimator | None = None
        if rate_hz != RATE_HZ and rate_hz % RATE_HZ == 0:
            self._decimator = _Decimator(_low_pass(rate_hz) * _FULL_SCALE, rate_hz // RATE_HZ)
        elif rate_hz != RATE_HZ:
            fast = rate_hz >= _FAST_FROM_HZ
            self._stream = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="QQ" if fast else "LQ")
            if fast:
                self._taps = _low_pass(rate_hz)
        # Half a filter of silence in front makes the first output the filter's centre on the first input.
        self._before = np.zeros(len(self._taps) // 2, np.float32)

    def process(self, samples: Samples) -> NDArray[np.float32]:
        """Take the next frames of the device, return what is ready at 16 kHz."""
        if self._decimator is not None:
            return self._decimator.process(samples)
        scaled = samples.astype(np.float32)
        scaled *= _FULL_SCALE
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


class _Decimator:
    """A low-pass of which each `factor`-th output is calculated, the first with its centre on the first input."""

    def __init__(self, taps: NDArray[np.float32], factor: int) -> None:
        self._taps = len(taps)
        self._factor = factor
        self._step = _OUTPUTS_AT_ONCE * factor
        # So many steps of input hold all that one row of outputs needs.
        self._steps = -(-((_OUTPUTS_AT_ONCE - 1) * factor + len(taps)) // self._step)
        self._matrix = np.zeros((self._steps * self._step, _OUTPUTS_AT_ONCE), np.float32)
        for output in range(_OUTPUTS_AT_ONCE):
            self._matrix[output * factor : output * factor + len(taps), output] = taps
        self._waiting = np.zeros(len(taps) // 2, np.float32)
        # Nothing but zeros waits, as from a loudspeaker that plays nothing for most of the day.
        self._is_silent = True

    def process(self, samples: Samples) -> NDArray[np.float32]:
        """Take the next samples, return the outputs that are ready."""
        count = max(0, (len(self._waiting) + len(samples) - self._taps) // self._factor + 1)
        is_silent = np.count_nonzero(samples) == 0
        if is_silent and self._is_silent:
            self._waiting = np.zeros(len(self._waiting) + len(samples) - count * self._factor, np.float32)
            return np.zeros(count, np.float32)
        rows = -(-count // _OUTPUTS_AT_ONCE)
        beyond = (rows + self._steps - 1) * self._step - len(self._waiting) - len(samples)
        # What lies beyond is read for outputs that nobody takes, and for none where it is too little.
        silence = np.zeros(max(0, beyond), np.float32)
        whole = np.concatenate([self._waiting, samples, silence], dtype=np.float32)
        self._waiting = whole[count * self._factor : len(self._waiting) + len(samples)]
        self._is_silent = is_silent and np.count_nonzero(self._waiting) == 0
        steps = whole[: (rows + self._steps - 1) * self._step].reshape(-1, self._step)
        spans = np.concatenate([steps[at : at + rows] for at in range(self._steps)], axis=1)
        ready: NDArray[np.float32] = (spans @ self._matrix).reshape(-1)[:count]
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


class ReplyResampler:
    """Streaming resampler of int16 mono audio from `source_rate_hz` to `device_rate_hz`."""

    def __init__(self, source_rate_hz: int, device_rate_hz: int) -> None:
        self._stream: soxr.ResampleStream | None = None
        if source_rate_hz != device_rate_hz:
            self._stream = soxr.ResampleStream(source_rate_hz, device_rate_hz, 1, dtype="int16", quality=QUALITY)

    def process(self, samples: Samples) -> Samples:
        """Take the next samples and return what is ready at the device's rate: the rest comes later."""
        if self._stream is None:
            return samples
        ready: Samples = self._stream.resample_chunk(np.asarray(samples, np.int16))
        return ready

    def flush(self) -> Samples:
        """Return what was held back, at the end of the audio; the next `process` begins anew."""
        if self._stream is None:
            return np.zeros(0, np.int16)
        rest: Samples = self._stream.resample_chunk(np.zeros(0, np.int16), last=True)
        self._stream.clear()
        return rest
