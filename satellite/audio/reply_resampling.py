"""Reply audio brought to the device's rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soxr

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples

# Keeps everything below 0.9 of the lower Nyquist frequency. It holds back 20 to 40 ms of audio, which a synthesizer
# delivers ahead of time; 'HQ' holds back the same, and nobody hears its difference in 16 bit speech.
QUALITY = "MQ"


class ReplyResampler:
    """Streaming resampler of int16 mono audio from `source_rate_hz` to `device_rate_hz`."""

    def __init__(self, source_rate_hz: int, device_rate_hz: int) -> None:
        self._stream: soxr.ResampleStream | None = None
        if source_rate_hz != device_rate_hz:
            self._stream = soxr.ResampleStream(source_rate_hz, device_rate_hz, 1, dtype="int16", quality=QUALITY)

    def process(self, samples: Samples) -> Samples:
        """Take the next samples and return what is ready at the device's rate: the rest comes later."""
        if self._stream is None:
            return samples
        ready: Samples = self._stream.resample_chunk(np.asarray(samples, np.int16))
        return ready

    def flush(self) -> Samples:
        """Return what was held back, at the end of the audio; the next `process` begins anew."""
        if self._stream is None:
            return np.zeros(0, np.int16)
        rest: Samples = self._stream.resample_chunk(np.zeros(0, np.int16), last=True)
        self._stream.clear()
        return rest
