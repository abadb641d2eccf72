"""Echo-gain bound: the most that the echo can be, bin by bin, given all that the microphone hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.partitions import BINS, FFT_SAMPLES, transform_scaled
from interject.satellite.frontend.arrays import scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Both powers are averaged over some 2 s, taken every 20 ms: a sentence has something to say in every bin.
_MEMORY = np.float32(0.99)
# A block of the microphone fills half of its FFT, one of what was played the whole; and its spectrum is scaled down by
# the FFT's length.
_SCALE = scalar(FFT_SAMPLES / BLOCK_SAMPLES * FFT_SAMPLES**2)
_TINY = scalar(1e-12)
# As often as the canceller looks.
_AT_ONCE = 5
_AGES = _MEMORY ** np.arange(_AT_ONCE - 1, -1, -1, dtype=np.float32)


class GainBound:
    """The most that the echo's path can add to each bin, 0 and up, from what was played so long ago that it was heard.

    It is next to infinite in bins in which nothing was played yet.
    """

    def __init__(self) -> None:
        self._heard = np.zeros(BINS, np.float32)
        self._played = np.zeros(BINS, np.float32)
        # What waits to be added: one transform for several blocks costs little more than for one.
        self._padded = np.zeros((_AT_ONCE, FFT_SAMPLES), np.float32)
        self._powers = np.zeros((_AT_ONCE, BINS), np.float32)
        self._waiting = 0

    def push(self, mic: NDArray[np.float32], played: NDArray[np.float32]) -> None:
        """Take 320 samples of the microphone, and the powers (321,) of what echoes no longer."""
        self._padded[self._waiting, BLOCK_SAMPLES:] = mic
        self._powers[self._waiting] = played
        self._waiting += 1
        if self._waiting == _AT_ONCE:
            self._add()

    @property
    def gain(self) -> NDArray[np.float32]:
        """Power of the microphone over that of what was played, (321,)."""
        self._add()
        gain: NDArray[np.float32] = _SCALE * self._heard / (self._played + _TINY)
        return gain

    def _add(self) -> None:
        count, self._waiting = self._waiting, 0
        if not count:
            return
        # All of them, for it takes no longer: what is left of earlier ones counts for nothing.
        heard = np.abs(transform_scaled(self._padded))[:count]
        heard *= heard
        ages = _AGES[-count:]
        self._heard *= _MEMORY**count
        self._heard += ages.dot(heard)
        self._played *= _MEMORY**count
        self._played += ages.dot(self._powers[:count])
