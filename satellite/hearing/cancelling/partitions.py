"""What was played, as spectra of overlapping blocks: the memory that the adaptive filter looks into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 16_000
# The seam's 10 ms.
BLOCK_SAMPLES = 160
# A block and the one before it: the circular convolution of a block's filter is linear in the second half.
FFT_SAMPLES = 2 * BLOCK_SAMPLES
BINS = FFT_SAMPLES // 2 + 1
# Playback below -60 dBFS, as a mean square, is none: nobody hears it, and its echo teaches nothing. A reference may
# never be quite silent; the AEC Challenge has one at -68 dBFS.
AUDIBLE_POWER = 1e-6
_LONG_AGO_BLOCKS = 1 << 30


class PlayedSpectra:
    """A ring of the last `depth` blocks' spectra, newest first; any stretch of it is one array without a copy."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._at = 0
        # Each row is kept twice, `depth` apart: whatever `_at` is, `depth` rows from there on are in order.
        self._spectra = np.zeros((2 * depth, BINS), np.complex64)
        self._powers = np.zeros((2 * depth, BINS), np.float32)
        # The mean square of the newest block, and how many blocks ago one was last audible.
        self.level = 0.0
        self.silent_blocks = _LONG_AGO_BLOCKS
        self._samples = np.zeros(FFT_SAMPLES, np.float32)

    def push(self, played: NDArray[np.float32]) -> None:
        """Take the next 160 samples."""
        self._samples[:BLOCK_SAMPLES] = self._samples[BLOCK_SAMPLES:]
        self._samples[BLOCK_SAMPLES:] = played
        was_zero = self.level == 0
        self.level = float(played @ played) / BLOCK_SAMPLES
        self.silent_blocks = 0 if self.level > AUDIBLE_POWER else self.silent_blocks + 1
        self._at = (self._at - 1) % self.depth
        twice = slice(self._at, None, self.depth)
        if was_zero and self.level == 0:
            self._spectra[twice] = 0
            self._powers[twice] = 0
            return
        spectrum = np.fft.rfft(self._samples)
        self._spectra[twice] = spectrum
        self._powers[twice] = np.square(spectrum.real) + np.square(spectrum.imag)

    def spectra(self, delay: int, count: int) -> NDArray[np.complexfloating]:
        """Return (count, 161) spectra, the first of the block played `delay` blocks ago; a view, valid until a push."""
        return self._spectra[self._at + delay : self._at + delay + count]

    def powers(self, delay: int, count: int) -> NDArray[np.float32]:
        """Return the squared magnitudes of the same spectra; a view, valid until a push."""
        return self._powers[self._at + delay : self._at + delay + count]
