"""The echo cancellers that there are to choose from."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import Identity
from interject.satellite.aec.canceller import KalmanCanceller
from interject.satellite.aec.facts import ResidualEchoGuard
from interject.satellite.aec.level_guard import LevelEchoGuard
from interject.satellite.errors import HearingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.aec.base import EchoControl
    from interject.satellite.aec.canceller import Path


_RATE_HZ = 16_000
# AEC3 knows no other frame than 10 ms.
_FRAME_SAMPLES = 160


class CancellerMissingError(HearingError):
    """The package of an optional canceller is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(f"the echo canceller of {package} is not installed; install it with: pip install {package}")
        self.package = package


class WebRtcCanceller:
    """AEC3 of the package `pywebrtc-audio`; raises CancellerMissingError where that is not installed."""

    def __init__(self) -> None:
        try:
            from pywebrtc_audio import EchoCanceller  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - an optional package
        except ImportError as error:
            raise CancellerMissingError("pywebrtc-audio") from error
        self._canceller = EchoCanceller(_RATE_HZ, 1)

    def process(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the microphone's 320 samples (16 kHz, -1 to 1) without what of `played_20ms` is in them."""
        frames = [
            self._canceller.process(
                mic_20ms[start : start + _FRAME_SAMPLES], played_20ms[start : start + _FRAME_SAMPLES]
            )
            for start in range(0, len(mic_20ms), _FRAME_SAMPLES)
        ]
        return np.concatenate(frames, axis=None, dtype=np.float32)


class CancellerKind(Enum):
    """What cancels the echo."""

    KALMAN = "kalman"
    AEC3 = "aec3"
    # The microphone does it itself, as speakerphones and arrays do.
    HARDWARE = "hardware"
    NONE = "none"


def make_echo_control(kind: CancellerKind, path: Path | None = None) -> EchoControl:
    """Make the canceller and its guard; `path` is where an earlier one found the echo.

    Raises CancellerMissingError where the package of an optional one is not installed.
    """
    match kind:
        case CancellerKind.KALMAN:
            return ResidualEchoGuard(KalmanCanceller(path))
        case CancellerKind.AEC3:
            return LevelEchoGuard(WebRtcCanceller())
        case CancellerKind.HARDWARE | CancellerKind.NONE:
            return LevelEchoGuard(Identity())
