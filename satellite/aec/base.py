"""Seams of echo cancellation: a canceller, what decides whether a window is echo, and a report for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from interject.satellite.aec.canceller import Path


# 20 ms at 16 kHz, as sound cards give it. In blocks of 10 ms an adaptive filter has twice as much to do.
BLOCK_SAMPLES = 320


class EchoCanceller(Protocol):
    """Takes the echo out of what the microphone heard."""

    def process(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the microphone's 320 samples (16 kHz, -1 to 1) without what of `played_20ms` is in them.

        They may be late by a constant of at most 50 ms, silence first: AEC3's are by 8 ms, and an engine with longer
        frames collects them. With more, an echo may come later than the guard looks back. The windows and the pre-roll
        of the front end are then as much later than their indices say.
        """


class Identity:
    """No cancellation: for a microphone that hardly hears the loudspeaker, or that cancels by itself."""

    def process(
        self,
        mic_20ms: NDArray[np.float32],
        played_20ms: NDArray[np.float32],  # noqa: ARG002 the seam's signature
    ) -> NDArray[np.float32]:
        """Return the microphone's samples."""
        return mic_20ms


class Convergence(Enum):
    """How far what a canceller returns can be believed while we play."""

    # Nothing, or too little, was played to learn the echo from.
    STARTING = "starting"
    CONVERGED = "converged"
    # The echo's path changed: learning it anew.
    RECOVERING = "recovering"


@dataclass(frozen=True, slots=True)
class EchoReport:
    """The echo as far as it is known now. Levels in dBFS (RMS), ratios in dB; None: not known.

    playing: the echo, or its tail, is at the microphone.
    echo_db: echo at the microphone relative to what was played (the echo return loss, negated). erle_db: by how much
    it is lowered. residual_dbfs: the echo expected in what is left; noise_dbfs: steady noise in it.
    delay_ms, drift_ppm: of the microphone against what was played.
    """

    playing: bool
    convergence: Convergence
    echo_db: float | None = None
    erle_db: float | None = None
    residual_dbfs: float | None = None
    noise_dbfs: float | None = None
    delay_ms: float | None = None
    drift_ppm: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Cancelled:
    """The microphone's 320 samples (16 kHz, -1 to 1) without the echo, twice.

    kept: for speech recognition, with the user as unharmed as can be. for_vad: with less of us, and less of the user:
    a voice activity detector hears our voice far below the user's. may_amplify: the echo, or its tail, may be in
    them, and `kept` tells how loud it is, as nothing was suppressed there.
    """

    kept: NDArray[np.float32]
    for_vad: NDArray[np.float32]
    may_amplify: bool


class EchoControl(Protocol):
    """Cancels the echo, and says when what is heard may be nothing else."""

    def process(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> Cancelled:
        """Take out of the microphone's 320 samples (16 kHz, -1 to 1) what of `played_20ms` is in them."""

    def is_echo(self) -> bool:
        """Tell whether the last 32 ms may be echo alone; asked once for each window of the VAD."""

    @property
    def report(self) -> EchoReport:
        """What is known of the echo now."""

    @property
    def path(self) -> Path | None:
        """What is worth keeping over a restart; None while nothing is."""
