"""Near-end detector: how much of the residual is no echo, over the last frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.stft import BIN_HZ
from interject.satellite.audio.pcm import scalar, total

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.aec.stft import Frames

# Where voices are, and loudspeakers still play what they are given.
_BAND = slice(round(200 / BIN_HZ), round(4_000 / BIN_HZ) + 1)
# A bin so far above the expected echo, and above the noise, has another cause (7 dB). With 9 dB one in thirty of the
# users is not heard who is with 7 dB, and no false trigger is saved.
_FOREIGN = scalar(5.0)
# Both figures look back over some 100 ms, five frames.
_MEMORY = 0.8
_FORGOTTEN = scalar(_MEMORY)
# They are ratios of sums, so that nobody needs the means: a mean is the sum of what is remembered over this.
_FRAMES = 1 / (1 - _MEMORY)
_LEAST = 1e-12 * _FRAMES
_TINY = scalar(_LEAST)
# An echo that is not above the noise by 3 dB may be noise that the filter has learnt, and fits nothing.
_AUDIBLE = scalar(2.0 * _FRAMES)
# Less echo than this, in bins that hold nothing else, tells nothing of how it fits.
_LEAST_ECHO_BINS = 6.0


class Evidence:
    """Evidence, coherence and misfit, as in EchoFacts, over frames of 32 ms, 20 ms apart."""

    def __init__(self) -> None:
        self.evidence = self.evidence_now = 0.0
        self.misfit = 0.0
        self._may_cohere = False
        self._cross: NDArray[np.complexfloating] = np.zeros(_BINS, np.complex64)
        self._powers = np.zeros((2, _BINS), np.float32)
        self._known = np.zeros(_BINS, np.float32)

    @property
    def coherence(self) -> float:
        """As in EchoFacts; not every frame is asked for it."""
        if not self._may_cohere:
            return 0.0
        residual, found = self._powers
        explained = np.abs(self._cross)
        explained *= explained
        return float(explained.dot(np.reciprocal(found + _TINY))) / (total(residual) + _LEAST)

    def push(self, frames: Frames, expected: NDArray[np.float32], noise: NDArray[np.float32]) -> None:
        """Take the next 20 ms and the powers, (257,) each, of the echo expected in them and of steady noise."""
        noise = noise[_BAND]
        self._count(frames.residual[_BAND], expected[_BAND], noise)
        self._forget()
        left, echo = frames.spectra[:, _BAND]
        self._cross += left * echo.conj()
        self._powers += frames.powers[:, _BAND]
        residual, found = self._powers
        self._may_cohere = True
        # A bin counts by the share of echo in it: neither noise nor the loudest of a user's bins outweigh the others.
        both = residual + found
        both += _TINY
        weight = (found > noise * _AUDIBLE) / both
        self.misfit = float(weight.dot(self._cross.real)) / (float(weight.dot(found)) + _LEAST_ECHO_BINS)

    def rest(self, frames: Frames, expected: NDArray[np.float32], noise: NDArray[np.float32]) -> None:
        """Take the next 20 ms, long after the last echo: there is none that could cohere or fit."""
        self._count(frames.residual[_BAND], expected[_BAND], noise[_BAND])
        self.misfit = 0.0
        self._may_cohere = False
        self._forget()
        self._powers[0] += frames.residual[_BAND]

    def _forget(self) -> None:
        # As real numbers: a complex product takes twice as long.
        parts = self._cross.view(np.float32)
        parts *= _FORGOTTEN
        self._powers *= _FORGOTTEN

    def _count(self, residual: NDArray[np.float32], expected: NDArray[np.float32], noise: NDArray[np.float32]) -> None:
        known = np.maximum(expected, noise, out=self._known)
        known *= _FOREIGN
        self.evidence_now = np.count_nonzero(residual > known) / _BINS
        self.evidence += (1 - _MEMORY) * (self.evidence_now - self.evidence)


_BINS = _BAND.stop - _BAND.start
