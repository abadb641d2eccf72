"""Facts about the echo in a window, and the guard that tells echo from somebody else's voice by them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from interject.satellite.aec.base import Convergence, EchoReport
from interject.satellite.aec.level_guard import LoudOnset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from interject.satellite.aec.base import Cancelled
    from interject.satellite.aec.canceller import KalmanCanceller, Path


# In 36 minutes of playback in rooms that nothing was tuned on, 0 to 20 dB above the user: with both limits none of what
# Silero took for speech was our own, without them 1.3 a minute, and nearly all users who were missed Silero had missed.
SOMEBODY_ELSE_EVIDENCE = 0.05

# What it takes of a filter that has not learnt the echo as well as it should, or not any more: real loudspeakers let
# none get there for seconds, or ever. script/bench real.
UNPROVEN_EVIDENCE = 0.15

# Evidence fades within 150 ms, as the detector's probability does: after one loud sound of ours both would last for as
# long as a word. Whoever speaks fills so much of the newest frame, too.
_SOMEBODY_NOW_EVIDENCE = 0.02

# More coherent than this is the echo on a path that changed a moment ago. It costs no user.
OUR_OWN_COHERENCE = 0.25

# What a loudspeaker distorts is foreign to the filter, but comes and goes with what is played: the more of what is left
# coheres, the more evidence it takes, by half of what the coherence has above 0.1, where most users are below. Replies
# rarely pause for themselves with it, and hardly a recorded user is lost; users 20 dB below the echo are, in the
# simulated room (docs/hearing.md).
_USUAL_COHERENCE = 0.1
_EVIDENCE_PER_COHERENCE = 0.5

# A path that changed shows in the misfit before Silero hears what it left. Where users talk and nothing changes, the
# misfit is below this in all but one of a hundred frames. It says nothing of a filter that has not learnt the path yet:
# with plain evidence, and of a usual coherence, it is somebody, whatever the misfit.
_MOST_MISFIT = 0.15

# Powers are averaged over the last two seconds of playback.
_MEMORY = 0.99
# Figures are given from half a second of playback on.
_LEAST_FRAMES = 25
# While more than this share of bins is somebody else's the residual says nothing of the filter.
_MOST_FOREIGN = 0.03
_TINY = 1e-12


class Refusal(Enum):
    """Why what was heard may be echo alone."""

    STARTING = "echo not known yet"
    RECOVERING = "echo not known any more"
    EVIDENCE = "evidence"
    COHERENCE = "coherence"
    MISFIT = "misfit"


@dataclass(frozen=True, slots=True)
class EchoFacts:
    """The echo in the last 20 ms. Levels in dBFS (RMS), ratios in dB.

    playing: the echo, or its tail, is at the microphone.
    evidence: share of the bins of 200 to 4000 Hz, 0 to 1, that only somebody else's voice explains; over 100 ms.
    evidence_now: the same in the last 32 ms alone.
    coherence: share of the residual's energy, 0 to 1, that what we played still explains; over 100 ms.
    misfit: how much more of the expected echo there is than was expected, as a share of it; over 100 ms. Whoever else
    talks, it is near 0 while the filter knows the path; -1: what was expected is not there; 1: it is there twice.
    located: the delay was measured, and the path has not changed since.
    residual_dbfs: the echo expected in the residual. noise_dbfs: steady noise in it.
    echo_db: echo at the microphone relative to what was played (the echo return loss, negated); erle_db: by how much
    the filter lowers it. delay_ms, drift_ppm: of the microphone against what was played. None: not known yet.
    """

    playing: bool
    evidence: float
    evidence_now: float
    coherence: float
    misfit: float
    convergence: Convergence
    located: bool
    residual_dbfs: float
    noise_dbfs: float
    echo_db: float | None
    erle_db: float | None
    delay_ms: float | None
    drift_ppm: float

    def refusal(self) -> Refusal | None:
        """Tell why speech that was heard now may be our own; it takes more evidence while the echo is not known."""
        if not self.playing:
            return None
        if self.convergence is not Convergence.CONVERGED:
            if self.located and self.refusal_by_limits(UNPROVEN_EVIDENCE) is None:
                return None
            return Refusal.STARTING if self.convergence is Convergence.STARTING else Refusal.RECOVERING
        return self.refusal_by_limits()

    def refusal_by_limits(self, least_evidence: float = SOMEBODY_ELSE_EVIDENCE) -> Refusal | None:
        """Tell why by the limits alone, as if there were echo and its path known."""
        if self.evidence < least_evidence or self.evidence_now < _SOMEBODY_NOW_EVIDENCE:
            return Refusal.EVIDENCE
        cohering = max(0.0, self.coherence - _USUAL_COHERENCE)
        if self.coherence > OUR_OWN_COHERENCE or self.evidence < least_evidence + _EVIDENCE_PER_COHERENCE * cohering:
            return Refusal.COHERENCE
        is_plain = self.evidence >= UNPROVEN_EVIDENCE and self.coherence <= _USUAL_COHERENCE
        return Refusal.MISFIT if abs(self.misfit) > _MOST_MISFIT and not is_plain else None

    def report(self) -> EchoReport:
        """Return what is not about this very moment."""
        return EchoReport(
            playing=self.playing,
            convergence=self.convergence,
            echo_db=self.echo_db,
            erle_db=self.erle_db,
            residual_dbfs=self.residual_dbfs,
            noise_dbfs=self.noise_dbfs,
            delay_ms=self.delay_ms,
            drift_ppm=self.drift_ppm,
        )


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


class ResidualEchoGuard:
    """An EchoControl that takes for somebody's voice what the echo that it knows cannot explain.

    Until the echo's path is known, what is louder than any echo so far is somebody's, too: once the delay is
    known, within the limits for an echo that is known.
    """

    def __init__(self, canceller: KalmanCanceller) -> None:
        self.canceller = canceller
        self._loud = LoudOnset()

    @property
    def report(self) -> EchoReport:
        """What is known of the echo now."""
        return self.canceller.facts.report()

    @property
    def path(self) -> Path | None:
        """What the canceller knows of the room; None while it does not."""
        return self.canceller.path

    def process(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> Cancelled:
        """Take out of the microphone's 320 samples (16 kHz, -1 to 1) what of `played_20ms` is in them."""
        self._loud.push(mic_20ms, played_20ms)
        return self.canceller.process(mic_20ms, played_20ms)

    def is_echo(self) -> bool:
        """Tell whether what was heard last may be echo alone."""
        return self.refusal() is not None

    def refusal(self) -> Refusal | None:
        """Tell why what was heard last may be echo alone; None: it is not."""
        facts = self.canceller.facts
        refusal = facts.refusal()
        is_unknown = refusal in {Refusal.STARTING, Refusal.RECOVERING}
        may_be_loud = is_unknown and (not facts.located or facts.refusal_by_limits() is None)
        return None if may_be_loud and self._loud.is_somebody() else refusal
