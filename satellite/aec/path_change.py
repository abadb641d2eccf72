"""Echo-path change detector: has the filter converged, and has the path changed since?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from interject.satellite.aec.base import Convergence
from interject.satellite.aec.partitions import AUDIBLE_POWER

# Powers of microphone and residual, and of what excuses the residual, are averaged over some 100 ms.
_MEMORY = 0.8
# The filter knows its own misadjustment, here averaged over 400 ms: from 15 dB below the echo on it has converged,
# unless it has learnt for less than so much playback. Nearly all that Silero mistakes for a user is what a filter too
# young left of the loudest echo, in its first two seconds; after a change half of that must do.
_SLOW_MEMORY = 0.95
_CONVERGED = 10 ** (-15 / 10)
_LEAST_LEARNT_FRAMES = {Convergence.STARTING: 100, Convergence.RECOVERING: 50, Convergence.CONVERGED: 0}
# What was learnt in an earlier run counts as so much: 300 ms show whether it is still true.
_KEPT_FRAMES = 85
# What noise covers is as good as cancelled, and a quiet echo is never known that well. But only after a second of
# playback, longer than any delay, in which nothing was heard that noise and the filter do not explain, and in which
# what was left was within 6 dB of the noise: else it is an echo that has not been found yet.
_COVERED_FRAMES = 50
_COVERED = 4.0
# A filter that adds 1.5 dB to what the microphone heard has diverged, whoever speaks; for 100 ms, as speech is uneven,
# and by more than four times what it knows itself to be off and the noise: who knows that is still learning.
_DIVERGED = 10 ** (1.5 / 10)
_ADMITTED = 4.0
_DIVERGED_FRAMES = 5
# The echo is another than was expected, for 40 ms: the path has changed. With users who talk, at 0 to 20 dB, and a path
# that does not change the misfit reaches 0.21; a delay that jumps makes it pass 0.25 within 60 to 160 ms.
_UNEXPECTED_EVIDENCE = 0.12
_MISFIT = 0.25
_CHANGED_FRAMES = 2
# After an action the filter gets this long to act on it.
_PATIENCE_FRAMES = 20
_TINY = 1e-12


class FilterAction(Enum):
    """What to do with the filter."""

    KEEP = "keep"
    # The path changed: learn fast from here on.
    DOUBT = "doubt"
    # What the filter has learnt does harm: begin anew.
    RESET = "reset"


class Origin(Enum):
    """Where the filter's response comes from."""

    FRESH = "fresh"
    # From an earlier run, most likely in the same room.
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Observation:
    """A block of 20 ms with playback: mean squares, and two figures of EchoFacts.

    misadjustment: what of the echo the filter may leave. left: what it leaves; noise: steady noise, in the same bins.
    """

    played: float
    mic: float
    residual: float
    echo: float
    misadjustment: float
    left: float
    noise: float
    evidence: float
    misfit: float


class PathChangeDetector:
    """Judges the filter by what it leaves."""

    def __init__(self, origin: Origin = Origin.FRESH) -> None:
        self.convergence = Convergence.STARTING
        self._on_trial = origin is Origin.KEPT
        self._mic = self._residual = self._echo = self._misadjustment = self._noise = self._admitted = 0.0
        self._learnt = _KEPT_FRAMES if self._on_trial else 0
        self._bad = self._odd = self._patience = self._explained = 0

    def push(self, seen: Observation) -> FilterAction:
        """Take the next frame in which something was played."""
        self._mic = _MEMORY * self._mic + seen.mic
        self._residual = _MEMORY * self._residual + seen.residual
        self._echo = _SLOW_MEMORY * self._echo + seen.echo
        self._misadjustment = _SLOW_MEMORY * self._misadjustment + seen.misadjustment
        self._admitted = _MEMORY * self._admitted + seen.misadjustment + seen.noise
        self._learnt += 1
        self._patience = max(0, self._patience - 1)
        self._noise = _SLOW_MEMORY * self._noise + seen.noise
        if seen.evidence > _UNEXPECTED_EVIDENCE:
            self._explained = 0
        elif seen.played > AUDIBLE_POWER and seen.left < _COVERED * seen.noise:
            self._explained += 1
        has_learnt = self._learnt >= _LEAST_LEARNT_FRAMES[self.convergence]
        is_covered = self._explained >= _COVERED_FRAMES and self._misadjustment < self._noise
        if is_covered or (has_learnt and self._misadjustment < _CONVERGED * self._echo):
            self.convergence = Convergence.CONVERGED
        return self._action(seen)

    def restart(self) -> None:
        """Take note that the filter begins anew."""
        if self.convergence is not Convergence.STARTING:
            self.convergence = Convergence.RECOVERING
        self._mic = self._residual = self._echo = self._misadjustment = self._noise = self._admitted = 0.0
        self._learnt = self._bad = self._odd = self._explained = 0
        self._patience = _PATIENCE_FRAMES

    def _action(self, seen: Observation) -> FilterAction:
        worst = _DIVERGED * self._mic + _ADMITTED * self._admitted + _TINY
        self._bad = self._bad + 1 if self._residual > worst else 0
        changed = seen.evidence > _UNEXPECTED_EVIDENCE and abs(seen.misfit) > _MISFIT
        self._odd = self._odd + 1 if changed else 0
        if self._patience:
            return FilterAction.KEEP
        if self._bad >= _DIVERGED_FRAMES:
            self.restart()
            return FilterAction.RESET
        if self._odd >= _CHANGED_FRAMES and (self._on_trial or self.convergence is Convergence.CONVERGED):
            self._odd = 0
            self._patience = _PATIENCE_FRAMES
            if self.convergence is Convergence.CONVERGED:
                self.convergence = Convergence.RECOVERING
            self._on_trial = False
            self._learnt = self._explained = 0
            return FilterAction.DOUBT
        return FilterAction.KEEP
