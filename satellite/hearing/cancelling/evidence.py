"""Who explains the residual: somebody in the room, or we?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satellite.hearing.cancelling.frames import BIN_HZ, FRAME_SAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from satellite.hearing.cancelling.frames import Frames

# Where voices are, and loudspeakers still play what they are given.
_BAND = slice(round(200 / BIN_HZ), round(4_000 / BIN_HZ) + 1)
# A bin so far above the expected echo, and above the noise, has another cause (7 dB). With 9 dB one in thirty of the
# users is not heard who is with 7 dB, and no false trigger is saved.
_FOREIGN = np.float32(5.0)
# Both figures look back over some 100 ms, five frames.
_MEMORY = 0.8
_TINY = 1e-12
# An echo that is not above the noise by 3 dB may be noise that the filter has learnt, and fits nothing.
_AUDIBLE = np.float32(2.0)
# Less echo than this, in bins that hold nothing else, tells nothing of how it fits.
_LEAST_ECHO_BINS = 6.0


class Evidence:
    """Evidence, coherence and misfit, as in EchoFacts, over frames 20 ms apart."""

    def __init__(self) -> None:
        self.evidence = 0.0
        self.coherence = 0.0
        self.misfit = 0.0
        self._cross: NDArray[np.complexfloating] = np.zeros(_BAND.stop - _BAND.start, np.complex64)
        self._powers = np.zeros((2, _BAND.stop - _BAND.start), np.float32)

    def push(self, frames: Frames, expected: NDArray[np.float32], noise: NDArray[np.float32]) -> None:
        """Take the next 20 ms and the powers, (257,) each, of the echo expected in them and of steady noise."""
        residual, known = frames.residual[_BAND], np.maximum(expected[_BAND], noise[_BAND])
        known *= _FOREIGN
        share = int(np.count_nonzero(residual > known)) / len(known)
        self.evidence += (1 - _MEMORY) * (share - self.evidence)
        left, echo = frames.spectra[:, _BAND]
        # In the units of the powers.
        self._cross *= _MEMORY
        self._cross += (1 - _MEMORY) / FRAME_SAMPLES * (left * echo.conj())
        self._powers *= _MEMORY
        self._powers += (1 - _MEMORY) * frames.powers[:, _BAND]
        mean_residual, mean_echo = self._powers
        cross = np.square(self._cross.real) + np.square(self._cross.imag)
        explained = float(np.sum(cross / (mean_echo + np.float32(_TINY))))
        self.coherence = explained / (float(np.sum(mean_residual)) + _TINY)
        # A bin counts by the share of echo in it: neither noise nor the loudest of a user's bins outweigh the others.
        weight = (mean_echo > _AUDIBLE * noise[_BAND]) / (mean_residual + mean_echo + np.float32(_TINY))
        self.misfit = float(weight @ self._cross.real) / (float(weight @ mean_echo) + _LEAST_ECHO_BINS)
