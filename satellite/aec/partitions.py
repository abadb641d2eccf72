"""What was played, as spectra of overlapping blocks: the memory that the adaptive filter looks into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.audio.pcm import scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 16_000
# A block and the one before it: the circular convolution of a block's filter is linear in the second half.
FFT_SAMPLES = 2 * BLOCK_SAMPLES
BINS = FFT_SAMPLES // 2 + 1
# Playback below -60 dBFS, as a mean square, is none: nobody hears it, and its echo teaches nothing. A reference may
# never be quite silent; the AEC Challenge has one at -68 dBFS.
AUDIBLE_POWER = 1e-6
_LONG_AGO_BLOCKS = 1 << 30
# Four transforms at once take less than three: they share a vector register.
_TRANSFORMS_AT_ONCE = 4
# So much larger an FFT in single precision has to be: NumPy divides by its length.
_SCALE = scalar(FFT_SAMPLES)


class PlayedSpectra:
    """A ring of the last `depth` blocks' spectra, newest first; any stretch of it is one array without a copy.

    A spectrum is made when somebody asks for it, together with all that wait by then: four at once cost half as much
    as four one by one, and while nothing plays nobody asks.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        # The mean square of the newest block, and how many blocks ago one was last audible.
        self.level = 0.0
        self.silent_blocks = _LONG_AGO_BLOCKS
        # Each row is kept twice, `depth` apart: whatever `_at` is, `depth` rows from there on are in order.
        self._at = 0
        self._spectra = np.zeros((2 * depth, BINS), np.complex64)
        self._powers = np.zeros((2 * depth, BINS), np.float32)
        # The blocks themselves in the same way, but oldest first, and one more.
        self._kept = depth + 1
        self._next = 0
        self._blocks = np.zeros((2 * self._kept, BLOCK_SAMPLES), np.float32)
        # So many of the newest have no spectrum yet.
        self._waiting = 0

    def push(self, played: NDArray[np.float32]) -> None:
        """Take the next 320 samples."""
        self._blocks[self._next :: self._kept] = played
        self._next = (self._next + 1) % self._kept
        self._at = (self._at - 1) % self.depth
        self._waiting = min(self._waiting + 1, self.depth)
        self.level = float(played.dot(played)) / BLOCK_SAMPLES
        self.silent_blocks = 0 if self.level > AUDIBLE_POWER else self.silent_blocks + 1

    def blocks(self, delay: int, count: int) -> NDArray[np.float32]:
        """Return the samples of `count` blocks, (count, 320), the last of them played `delay` blocks ago; a view."""
        until = self._next + self._kept - delay
        return self._blocks[until - count : until]

    def spectra(self, delay: int, count: int) -> NDArray[np.complexfloating]:
        """Return (count, 321) spectra, the first of the block played `delay` blocks ago; a view, valid until a push."""
        if delay < self._waiting:
            self._transform()
        return self._spectra[self._at + delay : self._at + delay + count]

    def powers(self, delay: int, count: int) -> NDArray[np.float32]:
        """Return the squared magnitudes of the same spectra; a view, valid until a push."""
        if delay < self._waiting:
            self._transform()
        return self._powers[self._at + delay : self._at + delay + count]

    def _transform(self) -> None:
        waiting, self._waiting = self._waiting, 0
        # Some are made once more, and are what they were.
        count = min(-(-waiting // _TRANSFORMS_AT_ONCE) * _TRANSFORMS_AT_ONCE, self.depth)
        spectra = spectra_of(self.blocks(0, count + 1))
        self._keep(self._spectra, spectra)
        powers = np.abs(spectra)
        powers *= powers
        self._keep(self._powers, powers)

    def _keep(self, ring: NDArray[np.inexact], newest: NDArray[np.inexact]) -> None:
        ring[self._at : self._at + len(newest)] = newest
        until_wrap = self.depth - self._at
        ring[self._at + self.depth : self._at + self.depth + len(newest)] = newest[:until_wrap]
        ring[: max(0, len(newest) - until_wrap)] = newest[until_wrap:]


def spectra_of(blocks: NDArray[np.float32]) -> NDArray[np.complexfloating]:
    """Return the spectra (count, 321) of each of count + 1 blocks with the one before it, the newest first."""
    pairs = np.concatenate([blocks[-2::-1], blocks[:0:-1]], axis=1)
    pairs *= _SCALE
    return transform_scaled(pairs)


def transform(samples: NDArray[np.floating], out: NDArray[np.complexfloating]) -> None:
    """Write the spectra of frames, along the last axis, into `out`."""
    np.fft.rfft(samples, out=out)  # type: ignore[arg-type] # NumPy's types know double precision alone


def transform_scaled(
    samples: NDArray[np.float32], out: NDArray[np.complexfloating] | None = None
) -> NDArray[np.complexfloating]:
    """Return the spectra of frames, along the last axis, over the frames' length: for four frames or more at once.

    NumPy calculates them in single precision, four side by side, where `transform` takes double precision.
    """
    return np.fft.rfft(samples, norm="forward", out=out)  # type: ignore[arg-type] # as above
