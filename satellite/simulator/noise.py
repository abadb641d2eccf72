"""Background noise of the simulated room."""

from __future__ import annotations

from enum import Enum

import numpy as np

from interject.satellite.audio.pcm import Mono, gain_of

# The noise repeats after this many samples (16 s at 16 kHz): longer than an ear or a VAD remembers.
PERIOD_FRAMES = 2**18


class NoiseColour(Enum):
    """Spectrum of the noise: flat, or falling 3 dB an octave as in most rooms."""

    WHITE = 0.0
    PINK = -0.5


class Noise:
    """An endless noise of a set level (dBFS, RMS), the same for the same seed; `None` is silence."""

    def __init__(self, level_db: float | None, colour: NoiseColour, seed: int) -> None:
        self._at = 0
        if level_db is None:
            self._period = np.zeros(PERIOD_FRAMES, np.float32)
            return
        generator = np.random.default_rng(seed)
        bins = PERIOD_FRAMES // 2 + 1
        spectrum = np.exp(2j * np.pi * generator.random(bins))
        spectrum *= np.maximum(np.arange(bins), 1.0) ** colour.value
        spectrum[0] = 0
        signal = np.fft.irfft(spectrum, PERIOD_FRAMES)
        self._period = (signal * (gain_of(level_db) / np.sqrt(np.mean(signal**2)))).astype(np.float32)

    def next(self, frames: int) -> Mono:
        """Give the next samples, full scale ±1."""
        taken = self._period.take(np.arange(self._at, self._at + frames), mode="wrap")
        self._at = (self._at + frames) % PERIOD_FRAMES
        return taken
