"""Limits of what the canceller may subtract: the divergence guard, and the echo-gain bound of each bin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.partitions import BINS, FFT_SAMPLES, transform_scaled
from interject.satellite.audio.pcm import scalar

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


# Powers are averaged over some 50 ms: voices that meet cancel each other for a moment.
_DIVERGENCE_MEMORY = 0.5
# What is left may be louder by 0.5 dB.
_LOUDER = 10 ** (0.5 / 10)
# A block in which it is louder by 6 dB has no echo of that kind in it at all: a microphone that was switched off or
# gated until then. Voices that meet do not add up to so much over a whole block.
_ABSURD = 10 ** (6 / 10)
_DIVERGENCE_TINY = 1e-12
_FADE = np.linspace(1 / BLOCK_SAMPLES, 1, BLOCK_SAMPLES, dtype=np.float32)


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


class DivergenceGuard:
    """Subtracts the echo that the filter found, or nothing of it while that makes it worse.

    It fades within 20 ms, but at once from an echo that is none: a fade would be a burst of what the filter guesses.
    """

    def __init__(self) -> None:
        self._mic = self._residual = 0.0
        # The share of the echo that is subtracted at the end of the last block: all or nothing.
        self.share = 1.0

    def subtract(
        self, mic: NDArray[np.float32], echo: NDArray[np.float32], residual: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return what is left of the microphone; 320 samples each, `residual` with all of the echo taken out."""
        heard, left = float(mic.dot(mic)), float(residual.dot(residual))
        self._mic = _DIVERGENCE_MEMORY * self._mic + heard
        self._residual = _DIVERGENCE_MEMORY * self._residual + left
        before = self.share
        self.share = 1.0 if self._residual <= _LOUDER * self._mic + _DIVERGENCE_TINY else 0.0
        if left > _ABSURD * heard + _DIVERGENCE_TINY:
            self.share = 0.0
            return mic
        if self.share == before == 1.0:
            return residual
        return mic - (before + (self.share - before) * _FADE) * echo
