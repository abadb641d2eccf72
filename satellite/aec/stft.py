"""Overlapping windowed spectra of two signals at once, for what judges them bin by bin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.partitions import RATE_HZ, transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

# 32 ms: tells the harmonics of a voice of 100 Hz from those of another.
FRAME_SAMPLES = 512
BINS = FRAME_SAMPLES // 2 + 1
BIN_HZ = RATE_HZ / FRAME_SAMPLES
# The window falls in the last 8 ms, so that it sees what is new; a symmetrical one would see it 16 ms later.
_FALL_SAMPLES = 128


def window() -> NDArray[np.float32]:
    """Return a raised cosine that rises slowly and falls fast: white noise of power 1 gives 1 in every bin."""
    rise = FRAME_SAMPLES - _FALL_SAMPLES
    shape = np.concatenate(
        [
            0.5 - 0.5 * np.cos(np.pi * (np.arange(rise) + 0.5) / rise),
            0.5 + 0.5 * np.cos(np.pi * (np.arange(_FALL_SAMPLES) + 0.5) / _FALL_SAMPLES),
        ]
    )
    scaled: NDArray[np.float32] = (shape / np.sqrt(np.sum(shape**2))).astype(np.float32)
    return scaled


class Frames:
    """The last 32 ms of what the filter left of the microphone and of the echo that it found."""

    def __init__(self) -> None:
        self._window = window()
        self._samples = np.zeros((2, FRAME_SAMPLES), np.float32)
        self._windowed = np.zeros_like(self._samples)
        self.spectra: NDArray[np.complexfloating] = np.zeros((2, BINS), np.complex64)
        # Squared magnitudes.
        self.powers = np.zeros((2, BINS), np.float32)
        self.residual, self.echo = self.powers

    def push(self, residual: NDArray[np.float32], echo: NDArray[np.float32]) -> None:
        """Take the next 320 samples of both."""
        self._samples[:, :-BLOCK_SAMPLES] = self._samples[:, BLOCK_SAMPLES:]
        self._samples[0, -BLOCK_SAMPLES:] = residual
        self._samples[1, -BLOCK_SAMPLES:] = echo

    def look(self) -> None:
        """Bring the spectra up to date."""
        np.multiply(self._samples, self._window, out=self._windowed)
        transform(self._windowed, self.spectra)
        np.abs(self.spectra, out=self.powers)
        self.powers *= self.powers

    def recent(self, count: int) -> NDArray[np.float32]:
        """Return the last `count` samples of the residual; a view, valid until the next push."""
        return self._samples[0, FRAME_SAMPLES - count :]
