"""Echo or somebody else? Judged by what the Kalman canceller leaves of the microphone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.satellite.aec.facts import Refusal
from interject.satellite.aec.level_guard import LoudOnset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from interject.satellite.aec.base import Cancelled, EchoReport
    from interject.satellite.aec.canceller import KalmanCanceller, Path


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
