"""The way through buffers and converters: a bulk delay, two clocks that drift apart, a jump when a buffer slips."""

from __future__ import annotations

import numpy as np

from tools.simulator.levels import RATE_HZ, Signal

# Windowed sinc: flat to 7 kHz within 0.1 dB with these.
_TAPS = 32
_BEFORE = _TAPS // 2 - 1
_KAISER_BETA = 8.0
# The nearest phase is at most 1/2048 sample off: an error 60 dB below a tone of 4 kHz.
_PHASES = 1024
# The shortest delay, which the sinc needs to be causal: 1 ms.
SHORTEST_FRAMES = _TAPS // 2
# No real chain of buffers is longer.
LONGEST_FRAMES = RATE_HZ
_HISTORY_FRAMES = LONGEST_FRAMES + _TAPS


class DelayLine:
    """Delays a stream by `delay` samples at its first sample and by `drift_ppm` of the time since less.

    Where drift would take it out of bounds it slips back to where it began, as a sound server's buffer does.
    """

    def __init__(self, delay: float, drift_ppm: float) -> None:
        self._initial = self._delay = _checked(delay)
        self._drift = drift_ppm * 1e-6
        # What came last stands at the end; it moves to the front when the line is full, not with every block.
        self._line = np.zeros(2 * _HISTORY_FRAMES, np.float32)
        self._windows = np.lib.stride_tricks.sliding_window_view(self._line, _TAPS)
        self._end = _HISTORY_FRAMES
        self._kernels = _kernels()

    @property
    def delay(self) -> float:
        """The delay of the next sample."""
        return self._delay

    def jump(self, frames: float) -> None:
        """Make it so much longer, at once."""
        self._delay = _checked(self._delay + frames)

    def process(self, block: Signal) -> Signal:
        """Take a block, give as many delayed samples."""
        count = len(block)
        if not SHORTEST_FRAMES <= self._delay - self._drift * count <= LONGEST_FRAMES - count:
            self._delay = self._initial
        if self._end + count > len(self._line):
            self._line[:_HISTORY_FRAMES] = self._line[self._end - _HISTORY_FRAMES : self._end]
            self._end = _HISTORY_FRAMES
        begin = self._end - _HISTORY_FRAMES
        self._line[self._end : self._end + count] = block
        self._end += count
        sources = _HISTORY_FRAMES + np.arange(count) * (1 + self._drift) - self._delay
        whole = np.floor(sources).astype(np.int64)
        phases = np.rint((sources - whole) * _PHASES).astype(np.int64)
        self._delay -= self._drift * count
        delayed: Signal = np.einsum("nt,nt->n", self._windows[begin - _BEFORE + whole], self._kernels[phases])
        return delayed


def _kernels() -> Signal:
    fractions = np.arange(_PHASES + 1)[:, None] / _PHASES
    distance = np.arange(_TAPS) - _BEFORE - fractions
    window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(0, 1 - (distance / (_TAPS / 2)) ** 2))) / np.i0(_KAISER_BETA)
    kernels: Signal = (np.sinc(distance) * window).astype(np.float32)
    return kernels


def _checked(delay: float) -> float:
    if not SHORTEST_FRAMES <= delay <= LONGEST_FRAMES / 2:
        raise ValueError(f"a delay of {delay} samples; it must be {SHORTEST_FRAMES} … {LONGEST_FRAMES // 2}")
    return delay
