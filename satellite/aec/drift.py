"""Two clocks that differ: how fast the echo's path slides, and what was played slid along with it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.partitions import FFT_SAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Cheap crystals stay within 50 ppm of their frequency each.
MAX_DRIFT_PPM = 120.0
# 8 taps on either side interpolate speech to -50 dB below 7 kHz.
_HALF_TAPS = 8
# A position is rounded to 1/64 of a sample: an error of -40 dB at 4 kHz, below what any filter leaves.
_PHASES = 64
# The least lag has all taps in the past; one block more and the next block is due.
_LEAST_LAG = float(_HALF_TAPS)

# Half a second slides the response by less than a sample: its phase needs no unwrapping.
_MEASURE_BLOCKS = 25
# The range in which it is neither noise nor more than half a turn.
_BINS = np.arange(12, 140)
# The filter follows with a lag of its own: with more than this the loop swings, with this it settles in 3 s.
_LOOP_GAIN = 0.4
# One device for both directions has no drift at all; less than this is the filter's own unrest.
_DEAD_PPM = 6.0
# A jump of the path is not a drift.
_IMPLAUSIBLE_PPM = 400.0


class DriftEstimator:
    """Follows the drift of the microphone's clock against the loudspeaker's, up to 120 ppm either way.

    The adaptive filter follows the sliding path, a little late: how fast its phase turns is the drift that is left.
    """

    def __init__(self) -> None:
        self.ppm = 0.0
        self._before: NDArray[np.complexfloating] | None = None
        self._blocks = 0

    def push(self, weights: NDArray[np.complexfloating]) -> None:
        """Take the response (partitions, 321) after a block in which it learnt."""
        self._blocks += 1
        if self._blocks < _MEASURE_BLOCKS:
            return
        self._blocks = 0
        now = weights[:, _BINS]
        if self._before is not None:
            self._correct((now * self._before.conj()).sum(0))
        self._before = now

    def forget(self) -> None:
        """Take the response for a new one: what comes next is not compared with what was."""
        self._before = None
        self._blocks = 0

    def _correct(self, turned: NDArray[np.complexfloating]) -> None:
        weight = np.abs(turned)
        moment = float(np.sum(weight * _BINS**2))
        if not moment > 0:
            return
        samples = -float(np.sum(weight * _BINS * np.angle(turned))) / moment * FFT_SAMPLES / (2 * math.pi)
        slide_ppm = samples / (_MEASURE_BLOCKS * BLOCK_SAMPLES) * 1e6
        if abs(slide_ppm) > _IMPLAUSIBLE_PPM:
            return
        if abs(slide_ppm) > _DEAD_PPM:
            self.ppm = min(max(self.ppm + _LOOP_GAIN * slide_ppm, -MAX_DRIFT_PPM), MAX_DRIFT_PPM)


class SlidingDelay:
    """Plays a signal later by a lag of a few samples that grows or shrinks without a seam."""

    def __init__(self) -> None:
        self.lag = _LEAST_LAG
        self._history = np.zeros(2 * BLOCK_SAMPLES + 4 * _HALF_TAPS, np.float32)
        self._taps = _interpolators()

    def process(self, played: NDArray[np.float32], ppm: float, blocks_left: int) -> list[NDArray[np.float32]]:
        """Return the blocks due after these 320 samples: one, two where the lag overflows, none where it underflows.

        `blocks_left` is how many blocks the reader can come nearer; with 0 the lag shrinks no further.
        """
        self._history[:-BLOCK_SAMPLES] = self._history[BLOCK_SAMPLES:]
        self._history[-BLOCK_SAMPLES:] = played
        self.lag += ppm * 1e-6 * BLOCK_SAMPLES
        if self.lag < _LEAST_LAG:
            if blocks_left:
                self.lag += BLOCK_SAMPLES
                return []
            self.lag = _LEAST_LAG
        blocks = [self._block()]
        if self.lag >= _LEAST_LAG + BLOCK_SAMPLES:
            self.lag -= BLOCK_SAMPLES
            blocks.append(self._block())
        return blocks

    def _block(self) -> NDArray[np.float32]:
        whole = math.floor(self.lag)
        phase = round((self.lag - whole) * _PHASES)
        end = len(self._history) - whole
        if phase == 0:
            return self._history[end - BLOCK_SAMPLES : end].copy()
        span = self._history[end - BLOCK_SAMPLES - _HALF_TAPS : end + _HALF_TAPS - 1]
        return np.convolve(span, self._taps[phase], "valid")


def _interpolators() -> NDArray[np.float32]:
    """Return windowed sincs (65, 16) that delay by 0 to 1 sample."""
    at = np.arange(1 - _HALF_TAPS, 1 + _HALF_TAPS)
    offsets = at[None, :] - np.arange(_PHASES + 1)[:, None] / _PHASES
    shape = np.sinc(offsets) * np.cos(np.clip(offsets / _HALF_TAPS, -1, 1) * np.pi / 2) ** 2
    scaled: NDArray[np.float32] = (shape / shape.sum(1, keepdims=True)).astype(np.float32)
    return scaled
