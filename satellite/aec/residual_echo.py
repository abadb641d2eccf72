"""Residual-echo model: how much of the echo the filter leaves, learnt bin by bin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.stft import BINS
from interject.satellite.frontend.arrays import scalar, total

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The leak is an upper quantile of residual over echo: most of what our voice leaves stays below it.
_QUANTILE = 0.8
# It moves so much with each 20 ms of playback: up by 30 dB in a second, down by 8.
_STEP_DB = 0.8
_UP_DB, _DOWN_DB = scalar(_STEP_DB * _QUANTILE), scalar(-_STEP_DB * (1 - _QUANTILE))
# A residual so far above what was expected is somebody's voice, and where it fills this share of the bins the rest may
# be its too: from it the leak only creeps.
_FOREIGN = scalar(10 ** (12 / 10))
_FOREIGN_SHARE = 0.08
_CREEP_DB = scalar(0.05 * _STEP_DB * _QUANTILE)
_NONE_DB = scalar(0)
# A fresh filter may leave it all; no loudspeaker and room can be cancelled by more than the least.
_START_DB, _LEAST_DB, _MOST_DB = -6.0, scalar(-45), scalar(0)
# The tail that outlasts the filter, and the loudspeaker's own: an echo fades by 2.4 dB in 20 ms where RT60 is 0.5 s.
_TAIL = scalar(10 ** (-2.4 / 10))
# A loudspeaker's distortion lands where the echo itself is weak: every bin's leak counts from at least so much of the
# echo's mean, here of its sum.
_SPREAD = np.float32(0.05 / BINS)
# An echo less than this above the noise leaves nothing that could be measured.
_LEARN_ABOVE_NOISE = scalar(10.0)
# The noise floor rises by 3 dB a second, so that a sentence hardly lifts it, and falls by half of the way in 60 ms.
_NOISE_RISE = scalar(10 ** (0.06 / 10))
_NOISE_FALL = scalar(0.2)
# It follows powers averaged over some 60 ms.
_SMOOTHING = 0.65
_OLD, _NEW = scalar(_SMOOTHING), scalar(1 - _SMOOTHING)
_FROM_DB = scalar(np.log(10) / 10)


class ResidualEchoModel:
    """Expected residual per bin: leak * echo, with its tail, and what the filter itself knows to be uncertain."""

    def __init__(self, leak_db: NDArray[np.float32] | None = None) -> None:
        self._leak_db = np.full(BINS, _START_DB, np.float32) if leak_db is None else leak_db.copy()
        self._tail = np.zeros(BINS, np.float32)
        self._smooth = np.zeros(BINS, np.float32)
        # The power of steady noise in the residual, and of the echo that is expected in it.
        self.noise = np.full(BINS, 1.0, np.float32)
        self.expected = np.zeros(BINS, np.float32)
        self._source = np.zeros(BINS, np.float32)
        self._scratch = np.zeros(BINS, np.float32)

    def push(
        self, residual: NDArray[np.float32], echo: NDArray[np.float32], misadjustment: NDArray[np.float32]
    ) -> None:
        """Take the powers of the next 20 ms, (257,) each."""
        self._follow_noise(residual)
        self._tail *= _TAIL
        np.maximum(self._tail, echo, out=self._tail)
        np.maximum(self._tail, _SPREAD * total(self._tail), out=self._source)
        np.multiply(self._leak_db, _FROM_DB, out=self.expected)
        np.exp(self.expected, out=self.expected)
        self.expected *= self._source
        self.expected += misadjustment
        self._learn(residual)

    def rest(self, residual: NDArray[np.float32]) -> None:
        """Take the powers of the next 20 ms in which there is no echo."""
        self._follow_noise(residual)
        self._tail *= _TAIL
        self.expected *= _TAIL

    @property
    def leak_db(self) -> NDArray[np.float32]:
        """The residual relative to the echo, per bin."""
        return self._leak_db

    def _follow_noise(self, residual: NDArray[np.float32]) -> None:
        self._smooth *= _OLD
        self._smooth += np.multiply(residual, _NEW, out=self._scratch)
        falls = self._smooth < self.noise
        lower = np.subtract(self._smooth, self.noise, out=self._scratch)
        lower *= _NOISE_FALL
        lower += self.noise
        self.noise *= _NOISE_RISE
        np.putmask(self.noise, falls, lower)

    def _learn(self, residual: NDArray[np.float32]) -> None:
        audible = _LEARN_ABOVE_NOISE * self.noise
        above = residual > self.expected
        step = np.multiply(self.expected, _FOREIGN, out=self._scratch)
        foreign = residual > np.maximum(step, audible, out=step)
        if np.count_nonzero(foreign) > _FOREIGN_SHARE * BINS:
            foreign = above
        step.fill(_DOWN_DB)
        np.putmask(step, above, _UP_DB)
        # What is foreign is above.
        np.putmask(step, foreign, _CREEP_DB)
        np.putmask(step, self._source <= audible, _NONE_DB)
        self._leak_db += step
        np.maximum(self._leak_db, _LEAST_DB, out=self._leak_db)
        np.minimum(self._leak_db, _MOST_DB, out=self._leak_db)
