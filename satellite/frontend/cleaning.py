"""Noise suppression, automatic gain and volume of what the microphone heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from webrtc_noise_gain import AudioProcessor

from interject.satellite.frontend.arrays import scalar
from interject.satellite.frontend.errors import NoiseGainError
from interject.wire.errors import SettingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples

# WebRTC's processing knows no other frame than 10 ms.
_FRAME_SAMPLES = 160
NOISE_SUPPRESSION_MAX = 4
_LOWEST, _HIGHEST = scalar(-32768), scalar(32767)
AUTO_GAIN_MAX_DBFS = 31


@dataclass(frozen=True, slots=True)
class CleaningSettings:
    """How to clean: raises SettingError for a value out of range.

    noise_suppression: 0 (off) to 4 (strongest); it delays the signal by 6 ms.
    auto_gain: target level in dBFS below full scale, 1 to 31; 0 is off.
    volume_multiplier: plain gain before both.
    """

    noise_suppression: int = 0
    auto_gain: int = 0
    volume_multiplier: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.noise_suppression <= NOISE_SUPPRESSION_MAX:
            raise SettingError("noise_suppression", f"{self.noise_suppression} is not in 0..{NOISE_SUPPRESSION_MAX}")
        if not 0 <= self.auto_gain <= AUTO_GAIN_MAX_DBFS:
            raise SettingError("auto_gain", f"{self.auto_gain} is not in 0..{AUTO_GAIN_MAX_DBFS}")
        if not self.volume_multiplier > 0:
            raise SettingError("volume_multiplier", f"{self.volume_multiplier} is not above 0")


class Cleaner:
    """Clean one stream, in blocks of a multiple of 10 ms."""

    def __init__(self, settings: CleaningSettings) -> None:
        self._scale = scalar(32768 * settings.volume_multiplier)
        self._processor: AudioProcessor | None = None
        if settings.noise_suppression or settings.auto_gain:
            self._processor = AudioProcessor(settings.auto_gain, settings.noise_suppression)

    def process(self, block: NDArray[np.float32]) -> Samples:
        """Take the next samples (16 kHz, -1 to 1), return as many int16; NoiseGainError if the library fails."""
        scaled = block * self._scale
        np.rint(scaled, out=scaled)
        # Two bounds one after the other: np.clip takes twice as long for so few samples.
        np.minimum(scaled, _HIGHEST, out=scaled)
        np.maximum(scaled, _LOWEST, out=scaled)
        samples: Samples = scaled.astype(np.int16)
        if self._processor is None:
            return samples
        frames = []
        for start in range(0, len(samples), _FRAME_SAMPLES):
            given = samples[start : start + _FRAME_SAMPLES].tobytes()
            cleaned = self._processor.Process10ms(given)
            got = b"" if cleaned is None else cleaned.audio
            if len(got) != len(given):
                raise NoiseGainError(len(given), len(got))
            frames.append(got)
        return np.frombuffer(b"".join(frames), np.int16)
