"""Nonlinearity of the loudspeaker: how much softer than it was told it plays what is loud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.partitions import BINS, FFT_SAMPLES, spectra_of, transform
from interject.satellite.audio.pcm import scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Where voices are and the distortion of small loudspeakers lands: 150 to 5000 Hz.
_BAND = slice(6, 201)
# Spectra are averaged over 10 updates, 200 ms apart: 2 s of playback in which nobody else speaks.
_MEMORY = scalar(0.9)
# As much must have been seen at first, and each so many updates it moves by a share of what is missing.
_LEAST_UPDATES = 10
_EVERY_UPDATES = 2
_STEP = 0.6
_MOST_STEP = 0.2
# At 2 a full-scale sample is 7 dB lower than it should be: no one listens to such a loudspeaker.
_MOST = 2.0
# The information, as an inverse variance, below which the compression hardly moves.
_DAMPING = 1.0
_TINY = np.float32(1e-9)


class Loudspeaker:
    """A soft clip in front of the room: x becomes x / sqrt(1 + 2 c x^2), with c (0: linear) learnt slowly.

    A Hammerstein model after A. Stenger and W. Kellermann, "Adaptation of a memoryless preprocessor for nonlinear
    acoustic echo cancelling", Signal Processing 80, 2000; this curve needs but one coefficient, never folds back, and
    its derivative by c is minus the cube of its output.
    """

    def __init__(self) -> None:
        self.compression = 0.0
        self._padded = np.zeros((3, FFT_SAMPLES), np.float32)
        self._spectra: NDArray[np.complexfloating] = np.zeros((3, BINS), np.complex64)
        self._updates = 0
        # Sums of spectra: power of the residual, of the echo, and of the echo of the cubes; how the latter two compare,
        # and what of the two is in the residual.
        self._powers = np.zeros((3, BINS), np.float32)
        self._shared: NDArray[np.complexfloating] = np.zeros(BINS, np.complex64)
        self._left: NDArray[np.complexfloating] = np.zeros((2, BINS), np.complex64)

    def bend(self, played: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the loudspeaker makes of it."""
        if not self.compression:
            return played
        lowered = played / np.sqrt(1 + np.float32(2 * self.compression) * np.square(played))
        return lowered.astype(np.float32, copy=False)

    def learn(
        self,
        weights: NDArray[np.complexfloating],
        bent: NDArray[np.float32],
        echo: NDArray[np.float32],
        residual: NDArray[np.float32],
    ) -> None:
        """Learn from a block in which there is nothing but echo.

        weights: the response, (partitions, 321); bent: what it answered to, (partitions + 1, 320), the oldest first;
        echo, residual: what it found and left, 320 samples each.
        """
        terms = weights * spectra_of(bent * bent * bent)
        self._padded[0, BLOCK_SAMPLES:] = residual
        self._padded[1, BLOCK_SAMPLES:] = echo
        self._padded[2, BLOCK_SAMPLES:] = np.fft.irfft(np.add.reduce(terms, 0), FFT_SAMPLES)[BLOCK_SAMPLES:]
        spectra = self._spectra
        transform(self._padded, spectra)
        powers = np.abs(spectra)
        powers *= powers
        self._powers *= _MEMORY
        self._powers += powers
        self._shared *= _MEMORY
        self._shared += spectra[1].conj() * spectra[2]
        self._left *= _MEMORY
        self._left += spectra[1:].conj() * spectra[0]
        self._updates += 1
        if self._updates >= _LEAST_UPDATES and self._updates % _EVERY_UPDATES == 0:
            self._move()

    def forget(self) -> None:
        """Take the path for a new one: the loudspeaker is the same, but what was measured of it no longer counts."""
        self._updates = 0
        for sums in (self._powers, self._shared, self._left):
            sums[:] = 0

    def _move(self) -> None:
        """Go to where least is left, by a share of the way; what a linear filter can do as well does not count."""
        residual, echo, cubes = self._powers[:, _BAND] + _TINY
        shared, (of_echo, of_cubes) = self._shared[_BAND], self._left[:, _BAND]
        missing = (of_cubes - shared.conj() * of_echo / echo).real / residual
        known = (cubes - (np.square(shared.real) + np.square(shared.imag)) / echo) / residual
        by = -_STEP * float(missing.sum()) / (float(known.sum()) + _DAMPING)
        before = self.compression
        self.compression = min(max(before + min(max(by, -_MOST_STEP), _MOST_STEP), 0.0), _MOST)
        # What was left would have been less, had it been so all the time.
        moved = np.float32(self.compression - before)
        self._left[0] += moved * self._shared
        self._left[1] += moved * self._powers[2]
