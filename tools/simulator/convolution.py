"""Convolution with a room's response: of a whole signal, and of one that arrives block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tools.simulator.levels import Signal

# 10 ms at 16 kHz: the room's step. A longer one would save little, the spectra of a response are short anyway.
BLOCK_FRAMES = 160
_SIZE = 2 * BLOCK_FRAMES


def convolve(signal: Signal, response: Signal) -> Signal:
    """Give the whole convolution, len(signal) + len(response) - 1 samples."""
    length = len(signal) + len(response) - 1
    size = 1 << (length - 1).bit_length()
    product = np.fft.rfft(signal, size) * np.fft.rfft(response, size)
    whole: Signal = np.fft.irfft(product, size)[:length].astype(np.float32)
    return whole


def convolve_loop(loop: Signal, response: Signal) -> Signal:
    """Give one period of an endless signal's convolution; the response is cut to the period."""
    spectrum = np.fft.rfft(loop) * np.fft.rfft(response[: len(loop)], len(loop))
    period: Signal = np.fft.irfft(spectrum, len(loop)).astype(np.float32)
    return period


class StreamingConvolver:
    """Convolves a stream in blocks of BLOCK_FRAMES without latency; the response may change on the way."""

    def __init__(self, response: Signal, longest: int) -> None:
        """`longest` is the length in samples of the longest response that will come."""
        self._partitions = -(-max(longest, len(response)) // BLOCK_FRAMES)
        self._spectra = self._transformed(response)
        self._new_spectra = self._spectra
        self._fade = np.zeros(0, np.float32)
        self._window = np.zeros(_SIZE, np.float32)
        # Every spectrum stands twice, so that the last ones are one slice wherever the ring begins.
        self._history = np.zeros((2 * self._partitions, BLOCK_FRAMES + 1), np.complex64)
        self._at = 0

    def change_to(self, response: Signal, fade_frames: int) -> None:
        """Cross-fade to another response during the next `fade_frames` (rounded up to blocks)."""
        if len(self._fade):
            self._spectra = self._new_spectra
        blocks = max(1, -(-fade_frames // BLOCK_FRAMES))
        self._new_spectra = self._transformed(response)
        self._fade = np.linspace(0, 1, blocks * BLOCK_FRAMES, endpoint=False, dtype=np.float32)

    def process(self, block: Signal) -> Signal:
        """Take BLOCK_FRAMES, give as many."""
        self._window[:BLOCK_FRAMES] = self._window[BLOCK_FRAMES:]
        self._window[BLOCK_FRAMES:] = block
        self._at = (self._at - 1) % self._partitions
        self._history[self._at] = self._history[self._at + self._partitions] = np.fft.rfft(self._window)
        convolved = self._convolved(self._spectra)
        if len(self._fade):
            share, self._fade = self._fade[:BLOCK_FRAMES], self._fade[BLOCK_FRAMES:]
            convolved = convolved + share * (self._convolved(self._new_spectra) - convolved)
            if not len(self._fade):
                self._spectra = self._new_spectra
        return convolved

    def _convolved(self, spectra: NDArray[np.complex64]) -> Signal:
        latest = self._history[self._at : self._at + self._partitions]
        both = np.fft.irfft(np.einsum("pf,pf->f", latest, spectra), _SIZE)
        return np.asarray(both[BLOCK_FRAMES:], np.float32)

    def _transformed(self, response: Signal) -> NDArray[np.complex64]:
        padded = np.zeros((self._partitions, _SIZE), np.float32)
        whole = np.zeros(self._partitions * BLOCK_FRAMES, np.float32)
        whole[: len(response)] = response
        padded[:, :BLOCK_FRAMES] = whole.reshape(self._partitions, BLOCK_FRAMES)
        spectra: NDArray[np.complex64] = np.fft.rfft(padded, axis=1).astype(np.complex64)
        return spectra
