"""Speex's linear canceller behind the same seam, for comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from satellite.hearing.cancelling.errors import CancellerMissingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RATE_HZ = 16_000
_BLOCK_SAMPLES = 160
# It searches no delay: the buffers of a device and the room together.
_TAIL_SAMPLES = round(0.35 * _RATE_HZ)
_FULL_SCALE = np.float32(32_768)


class SpeexCanceller:
    """The canceller of the package `speexdsp`; raises CancellerMissingError where that is not installed."""

    def __init__(self) -> None:
        try:
            from speexdsp import EchoCanceller  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - an optional package
        except ImportError as error:
            raise CancellerMissingError("speexdsp") from error
        self._canceller = EchoCanceller.create(_BLOCK_SAMPLES, _TAIL_SAMPLES, _RATE_HZ)

    def process(self, mic_10ms: NDArray[np.float32], played_10ms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the microphone's 160 samples (16 kHz, -1 to 1) without what of `played_10ms` is in them."""
        cancelled = self._canceller.process(_pcm(mic_10ms), _pcm(played_10ms))
        return np.frombuffer(cancelled, np.int16).astype(np.float32) / _FULL_SCALE


def _pcm(samples: NDArray[np.float32]) -> bytes:
    pcm: NDArray[np.int16] = np.clip(np.rint(samples * _FULL_SCALE), -32_768, 32_767).astype(np.int16)
    return pcm.tobytes()
