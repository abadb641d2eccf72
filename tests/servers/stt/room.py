"""Clips as a microphone in a room hears them."""

from __future__ import annotations

import numpy as np

from tests.servers.stt.harness import RATE, SILENCE_S, clip

# A quiet room with a fan, below full scale; and how long before the speech a satellite begins to send.
NOISE_DB = (-60.0, -45.0)
LEAD_S = (0.3, 0.6)


def in_noise(name: str, seed: int) -> bytes:
    """Put a clip into pink noise; level and place depend on the seed."""
    rng = np.random.default_rng(seed)
    noise_db, lead_s = rng.uniform(*NOISE_DB), rng.uniform(*LEAD_S)
    speech = np.frombuffer(clip(name), dtype="<i2").astype(np.float64)
    lead, tail = int(lead_s * RATE), int(SILENCE_S * RATE)
    samples = np.pad(speech, (lead, tail))
    spectrum = np.fft.rfft(rng.standard_normal(len(samples)))
    spectrum[0] = 0
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), len(samples))
    samples += pink / pink.std() * 32768 * 10 ** (noise_db / 20)
    pcm: bytes = np.clip(samples, -32768, 32767).astype("<i2").tobytes()
    return pcm
