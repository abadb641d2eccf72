"""The echo cancellers that there are to choose from."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from interject.satellite.aec.aec3 import WebRtcCanceller
from interject.satellite.aec.base import Identity
from interject.satellite.aec.canceller import KalmanCanceller
from interject.satellite.aec.level_guard import LevelEchoGuard
from interject.satellite.aec.residual_guard import ResidualEchoGuard

if TYPE_CHECKING:
    from interject.satellite.aec.base import EchoControl
    from interject.satellite.aec.canceller import Path


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
