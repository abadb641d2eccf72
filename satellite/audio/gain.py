"""Gains that move along a raised cosine, exact to the sample whatever the block size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Gains = NDArray[np.float32] | float


class Ramp:
    """A gain that goes from where it is to a target along half a cosine, one step a frame."""

    def __init__(self, value: float) -> None:
        self._start = value
        self._target = value
        self._total_frames = 0
        self._done_frames = 0

    @property
    def value(self) -> float:
        """The present gain."""
        return self._at(self._done_frames)

    def to(self, target: float, frames: int) -> None:
        """Set out for `target` from the present gain; it is reached after `frames` frames, at once if 0."""
        self._start = self.value
        self._target = target
        self._total_frames = frames
        self._done_frames = 0

    def jump(self, value: float) -> None:
        """Set the gain at once."""
        self.to(value, 0)

    def peek(self, frames: int) -> Gains:
        """Return the gains of the next `frames` frames: one number where they are all the same."""
        left = self._total_frames - self._done_frames
        if left <= 0:
            return self._target
        steps = np.arange(1, frames + 1, dtype=np.float32) + np.float32(self._done_frames)
        np.minimum(steps, np.float32(self._total_frames), out=steps)
        shape = 0.5 - 0.5 * np.cos(steps * np.float32(math.pi / self._total_frames))
        gains: NDArray[np.float32] = (self._start + (self._target - self._start) * shape).astype(np.float32)
        return gains

    def advance(self, frames: int) -> None:
        """Let `frames` frames pass."""
        self._done_frames = min(self._total_frames, self._done_frames + frames)

    def _at(self, done_frames: int) -> float:
        if done_frames >= self._total_frames:
            return self._target
        shape = 0.5 - 0.5 * math.cos(math.pi * done_frames / self._total_frames)
        return self._start + (self._target - self._start) * shape


def fade_out(frames: int) -> NDArray[np.float32]:
    """Return gains that fall from just under 1 to 0 along half a cosine."""
    steps = np.arange(1, frames + 1, dtype=np.float32)
    gains: NDArray[np.float32] = (0.5 + 0.5 * np.cos(steps * (math.pi / max(1, frames)))).astype(np.float32)
    return gains


def apply_gain(samples: NDArray[np.int16], *gains: Gains) -> NDArray[np.int16]:
    """Return the samples times all gains (each 0 to 1), rounded; the samples themselves where every gain is 1."""
    moving = [gain for gain in gains if not (isinstance(gain, float) and gain == 1.0)]
    if not moving:
        return samples
    product = samples.astype(np.float32)
    for gain in moving:
        product *= gain
    return np.rint(product, out=product).astype(np.int16)
