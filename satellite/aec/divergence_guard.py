"""Divergence guard: limits what is subtracted, so that the output is never louder than the microphone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Powers are averaged over some 50 ms: voices that meet cancel each other for a moment.
_MEMORY = 0.5
# What is left may be louder by 0.5 dB.
_LOUDER = 10 ** (0.5 / 10)
# A block in which it is louder by 6 dB has no echo of that kind in it at all: a microphone that was switched off or
# gated until then. Voices that meet do not add up to so much over a whole block.
_ABSURD = 10 ** (6 / 10)
_TINY = 1e-12
_FADE = np.linspace(1 / BLOCK_SAMPLES, 1, BLOCK_SAMPLES, dtype=np.float32)


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
        self._mic = _MEMORY * self._mic + heard
        self._residual = _MEMORY * self._residual + left
        before = self.share
        self.share = 1.0 if self._residual <= _LOUDER * self._mic + _TINY else 0.0
        if left > _ABSURD * heard + _TINY:
            self.share = 0.0
            return mic
        if self.share == before == 1.0:
            return residual
        return mic - (before + (self.share - before) * _FADE) * echo
