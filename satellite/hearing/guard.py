"""Is it more than our own voice? A guess by loudness alone, for a microphone that hardly hears the loudspeaker."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from satellite.hearing.echo import SAFE_ECHO_DB

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FRAME_MS = 10
# About a window of the voice activity detector.
_HEARD_MS = 30
# The longest way from the device's reference to the microphone is 300 ms; with it, what still sounds in the room.
_PLAYED_MS = 350
# An echo is at most as loud as the loudest of what caused it; the response of a room is uneven by some dB.
_MARGIN_DB = 3.0


class EchoGuard:
    """Compares what the microphone hears with what the loudspeaker's echo explains.

    In a quiet room Silero hears our voice 40 dB below what was played; speech across a room is louder than that echo.
    """

    def __init__(self) -> None:
        self._heard: deque[float] = deque(maxlen=_HEARD_MS // _FRAME_MS)
        self._played: deque[float] = deque(maxlen=_PLAYED_MS // _FRAME_MS)

    def push(self, mic_10ms: NDArray[np.float32], played_10ms: NDArray[np.float32]) -> None:
        """Take the next 10 ms of both signals, before any cleaning or gain."""
        self._heard.append(float(mic_10ms @ mic_10ms))
        self._played.append(float(played_10ms @ played_10ms))

    def explains(self, echo_db: float | None) -> bool:
        """Tell whether an echo of `echo_db` (None: not measured yet, as much as is safe) may be all that was heard."""
        assumed_db = SAFE_ECHO_DB if echo_db is None else echo_db
        loudest = max(self._played, default=0.0) * 10 ** ((assumed_db + _MARGIN_DB) / 10)
        return loudest > 0 and sum(self._heard) / len(self._heard) <= loudest
