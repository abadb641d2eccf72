"""No echo is taken out that was never in: what is left is no louder than the microphone was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satellite.hearing.cancelling.partitions import BLOCK_SAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Powers are averaged over some 50 ms: voices that meet cancel each other for a moment.
_MEMORY = 0.7
# What is left may be louder by 0.5 dB.
_LOUDER = 10 ** (0.5 / 10)
_TINY = 1e-12
_FADE = np.linspace(1 / BLOCK_SAMPLES, 1, BLOCK_SAMPLES, dtype=np.float32)


class Restraint:
    """Subtracts the echo that the filter found, or nothing of it while that makes it worse; fades within 10 ms."""

    def __init__(self) -> None:
        self._mic = self._residual = 0.0
        # The share of the echo that is subtracted at the end of the last block: all or nothing.
        self.share = 1.0

    def subtract(
        self, mic: NDArray[np.float32], echo: NDArray[np.float32], residual: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return what is left of the microphone; 160 samples each, `residual` with all of the echo taken out."""
        self._mic = _MEMORY * self._mic + float(mic @ mic)
        self._residual = _MEMORY * self._residual + float(residual @ residual)
        before = self.share
        self.share = 1.0 if self._residual <= _LOUDER * self._mic + _TINY else 0.0
        if self.share == before == 1.0:
            return residual
        return mic - (before + (self.share - before) * _FADE) * echo
