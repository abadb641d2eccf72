"""Residual-echo model and suppressor: what the filter leaves of the echo, and how it is attenuated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.stft import BINS, FRAME_SAMPLES
from interject.satellite.audio.pcm import scalar, total

if TYPE_CHECKING:
    from numpy.typing import NDArray


# The leak is an upper quantile of residual over echo: most of what our voice leaves stays below it.
_QUANTILE = 0.8
# It moves so much with each 20 ms of playback: up by 30 dB in a second, down by 8.
_STEP_DB = 0.8
_UP_DB, _DOWN_DB = scalar(_STEP_DB * _QUANTILE), scalar(-_STEP_DB * (1 - _QUANTILE))
# A residual so far above what was expected is somebody's voice, and where it fills this share of the bins the rest may
# be its too: from it the leak only creeps.
_FOREIGN = scalar(10 ** (12 / 10))
_FOREIGN_SHARE = 0.08
_CREEP_DB = scalar(0.05 * _STEP_DB * _QUANTILE)
_NONE_DB = scalar(0)
# A fresh filter may leave it all; no loudspeaker and room can be cancelled by more than the least.
_START_DB, _LEAST_DB, _MOST_DB = -6.0, scalar(-45), scalar(0)
# The tail that outlasts the filter, and the loudspeaker's own: an echo fades by 2.4 dB in 20 ms where RT60 is 0.5 s.
_TAIL = scalar(10 ** (-2.4 / 10))
# A loudspeaker's distortion lands where the echo itself is weak: every bin's leak counts from at least so much of the
# echo's mean, here of its sum.
_SPREAD = np.float32(0.05 / BINS)
# An echo less than this above the noise leaves nothing that could be measured.
_LEARN_ABOVE_NOISE = scalar(10.0)
# The noise floor rises by 3 dB a second, so that a sentence hardly lifts it, and falls by half of the way in 60 ms.
_NOISE_RISE = scalar(10 ** (0.06 / 10))
_NOISE_FALL = scalar(0.2)
# It follows powers averaged over some 60 ms.
_SMOOTHING = 0.65
_OLD, _NEW = scalar(_SMOOTHING), scalar(1 - _SMOOTHING)
_FROM_DB = scalar(np.log(10) / 10)


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


class ResidualEchoModel:
    """Expected residual per bin: leak * echo, with its tail, and what the filter itself knows to be uncertain."""

    def __init__(self, leak_db: NDArray[np.float32] | None = None) -> None:
        self._leak_db = np.full(BINS, _START_DB, np.float32) if leak_db is None else leak_db.copy()
        self._tail = np.zeros(BINS, np.float32)
        self._smooth = np.zeros(BINS, np.float32)
        # The power of steady noise in the residual, and of the echo that is expected in it.
        self.noise = np.full(BINS, 1.0, np.float32)
        self.expected = np.zeros(BINS, np.float32)
        self._source = np.zeros(BINS, np.float32)
        self._scratch = np.zeros(BINS, np.float32)

    def push(
        self, residual: NDArray[np.float32], echo: NDArray[np.float32], misadjustment: NDArray[np.float32]
    ) -> None:
        """Take the powers of the next 20 ms, (257,) each."""
        self._follow_noise(residual)
        self._tail *= _TAIL
        np.maximum(self._tail, echo, out=self._tail)
        np.maximum(self._tail, _SPREAD * total(self._tail), out=self._source)
        np.multiply(self._leak_db, _FROM_DB, out=self.expected)
        np.exp(self.expected, out=self.expected)
        self.expected *= self._source
        self.expected += misadjustment
        self._learn(residual)

    def rest(self, residual: NDArray[np.float32]) -> None:
        """Take the powers of the next 20 ms in which there is no echo."""
        self._follow_noise(residual)
        self._tail *= _TAIL
        self.expected *= _TAIL

    @property
    def leak_db(self) -> NDArray[np.float32]:
        """The residual relative to the echo, per bin."""
        return self._leak_db

    def _follow_noise(self, residual: NDArray[np.float32]) -> None:
        self._smooth *= _OLD
        self._smooth += np.multiply(residual, _NEW, out=self._scratch)
        falls = self._smooth < self.noise
        lower = np.subtract(self._smooth, self.noise, out=self._scratch)
        lower *= _NOISE_FALL
        lower += self.noise
        self.noise *= _NOISE_RISE
        np.putmask(self.noise, falls, lower)

    def _learn(self, residual: NDArray[np.float32]) -> None:
        audible = _LEARN_ABOVE_NOISE * self.noise
        above = residual > self.expected
        step = np.multiply(self.expected, _FOREIGN, out=self._scratch)
        foreign = residual > np.maximum(step, audible, out=step)
        if np.count_nonzero(foreign) > _FOREIGN_SHARE * BINS:
            foreign = above
        step.fill(_DOWN_DB)
        np.putmask(step, above, _UP_DB)
        # What is foreign is above.
        np.putmask(step, foreign, _CREEP_DB)
        np.putmask(step, self._source <= audible, _NONE_DB)
        self._leak_db += step
        np.maximum(self._leak_db, _LEAST_DB, out=self._leak_db)
        np.minimum(self._leak_db, _MOST_DB, out=self._leak_db)


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
