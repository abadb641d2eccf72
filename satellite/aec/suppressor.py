"""What the filter left of the echo, taken out bin by bin without a delay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.stft import FRAME_SAMPLES
from interject.satellite.frontend.arrays import scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A residual up to 2 dB above its expectation is still ours, as speech varies. With more (2.5, 4 dB) as much of the user
# is lost as of us, and the guard needs no more.
_OVERSUBTRACTION = scalar(-1.6)
# A voice activity detector does not mind musical noise, but hears speech at -30 dB.
_FLOOR_POWER = scalar(10 ** (-40 / 10))
# 8 ms of response: a gain that differs from bin to bin needs no more once neighbours were averaged.
TAPS = 128
_FADE_TAPS = 32
RECENT_SAMPLES = BLOCK_SAMPLES + TAPS - 1
_TINY = scalar(1e-12)
_ONE, _QUARTER = scalar(1), scalar(0.25)
# OpenBLAS wakes its threads for 9,216 numbers, which costs more than it saves: it gets larger matrices in parts.
_PHASE_PARTS, _TAPS_PARTS = 2, 4


def gains(residual: NDArray[np.float32], expected: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the gain (amplitude, -40 dB to 1), by power subtraction from (257,) powers, of every other bin (129,)."""
    gain = residual + _TINY
    np.divide(expected, gain, out=gain)
    gain *= _OVERSUBTRACTION
    gain += _ONE
    np.maximum(gain, _FLOOR_POWER, out=gain)
    np.sqrt(gain, out=gain)
    smooth: NDArray[np.float32] = gain[::2].copy()
    # A quarter of each neighbour, and half of the bin itself.
    inner = smooth[1:-1]
    inner += inner
    inner += gain[1:-3:2]
    inner += gain[3::2]
    inner *= _QUARTER
    return smooth


def minimum_phase(gain: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the 128 taps of the filter with these 129 gains that answers soonest, by folding the cepstrum."""
    # Both transforms as matrices: less than half the time of three FFTs.
    phase = (_PHASE @ np.log(gain)).reshape(-1)[:_BINS]
    response = np.empty((2, _BINS), np.float32)
    np.cos(phase, out=response[0])
    np.sin(phase, out=response[1])
    response *= gain
    taps: NDArray[np.float32] = (_TAPS_OF @ response.reshape(-1)).reshape(-1)
    return taps


def _phase_of_log_gain() -> NDArray[np.float32]:
    """Return the matrix of the phase that goes with a logarithmic gain: its cepstrum folded to one side.

    (2, 65, 129): the last row is empty.
    """
    cepstra = np.fft.irfft(np.eye(_BINS), _FFT)
    cepstra[:, 1 : _FFT // 2] *= 2
    cepstra[:, _FFT // 2 + 1 :] = 0
    rows = -(-_BINS // _PHASE_PARTS)
    matrix = np.zeros((_PHASE_PARTS * rows, _BINS), np.float32)
    matrix[:_BINS] = np.fft.rfft(cepstra).imag.T
    return matrix.reshape(_PHASE_PARTS, rows, _BINS)


def _taps_of_response() -> NDArray[np.float32]:
    """Return the matrix (4, 32, 258) of the taps, their end faded, of a response's real and imaginary parts."""
    taps = np.fft.irfft(np.concatenate([np.eye(_BINS), 1j * np.eye(_BINS)]), _FFT)[:, :TAPS]
    taps[:, -_FADE_TAPS:] *= np.linspace(1, 0, _FADE_TAPS)
    return np.ascontiguousarray(taps.T, np.float32).reshape(_TAPS_PARTS, -1, 2 * _BINS)


_FFT = FRAME_SAMPLES // 2
_BINS = _FFT // 2 + 1
_PHASE = _phase_of_log_gain()
_TAPS_OF = _taps_of_response()
_FADE_SAMPLES = 160
_FADE_OUT = np.linspace(1, 0, _FADE_SAMPLES, dtype=np.float32)


class Suppressor:
    """A filter that follows the gains given, faded from one to the next within 10 ms; transparent where they are 1."""

    def __init__(self) -> None:
        # The last tap first, for np.correlate: np.convolve is that with a detour.
        self._taps = _OPEN

    def process(self, gain: NDArray[np.float32], recent: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return 320 samples of what `recent` (the last 447 of the residual) becomes with these gains (129,)."""
        return self._fade(minimum_phase(gain)[::-1], recent)

    def open(self, recent: NDArray[np.float32]) -> NDArray[np.float32]:
        """Let everything pass from here on."""
        return recent[-BLOCK_SAMPLES:].copy() if self._taps is _OPEN else self._fade(_OPEN, recent)

    def _fade(self, taps: NDArray[np.float32], recent: NDArray[np.float32]) -> NDArray[np.float32]:
        faded: NDArray[np.float32] = np.correlate(recent, taps, "valid")
        begin = faded[:_FADE_SAMPLES]
        before = np.correlate(recent[: _FADE_SAMPLES + TAPS - 1], self._taps, "valid")
        before -= begin
        before *= _FADE_OUT
        begin += before
        self._taps = taps
        return faded


_OPEN = np.zeros(TAPS, np.float32)
_OPEN[-1] = 1
