"""Level of the echo and echo return loss enhancement, for people and for the choice of a duplex mode."""

from __future__ import annotations

import math

# Powers are averaged over the last two seconds of playback.
_MEMORY = 0.99
# Figures are given from half a second of playback on.
_LEAST_FRAMES = 25
# While more than this share of bins is somebody else's the residual says nothing of the filter.
_MOST_FOREIGN = 0.03
_TINY = 1e-12


class EchoLevels:
    """Echo relative to what was played, and what the filter takes of it, in dB; from mean squares once in 20 ms."""

    def __init__(self) -> None:
        self._played = self._echo = self._mic = self._residual = 0.0
        self._frames = self._own_frames = 0

    def push(self, played: float, echo: float, mic: float, residual: float, evidence: float) -> None:
        """Take a frame of playback: what was played, the echo estimate, the microphone and what was left of it."""
        self._frames += 1
        self._played = _MEMORY * self._played + played
        self._echo = _MEMORY * self._echo + echo
        if evidence <= _MOST_FOREIGN:
            self._own_frames += 1
            self._mic = _MEMORY * self._mic + mic
            self._residual = _MEMORY * self._residual + residual

    @property
    def echo_db(self) -> float | None:
        """The echo at the microphone relative to what was played (negative: the echo return loss)."""
        return _ratio_db(self._echo, self._played) if self._frames >= _LEAST_FRAMES else None

    @property
    def erle_db(self) -> float | None:
        """By how much the filter lowers the echo, noise included."""
        return _ratio_db(self._mic, self._residual) if self._own_frames >= _LEAST_FRAMES else None


def dbfs(power: float) -> float:
    """Return a mean square in dB below full scale."""
    return 10 * math.log10(power + _TINY)


def _ratio_db(above: float, below: float) -> float:
    return 10 * math.log10((above + _TINY) / (below + _TINY))
