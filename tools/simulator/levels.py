"""Signals of the room and how loud they are."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
# 1-D, full scale ±1, RATE_HZ.
Signal = NDArray[np.float32]

# A level is that of speech, not of the pauses in it: windows of a syllable's length, the quiet ones left out.
_WINDOW_FRAMES = 320
_QUIET_DB = -30.0
# Below the last bit of any signal here.
_SILENCE_DBFS = -120.0


def frames_of(seconds: float) -> int:
    """Round a time to samples."""
    return round(seconds * RATE_HZ)


def level_dbfs(signal: Signal) -> float:
    """Give the active level: RMS of the 20 ms windows that are within 30 dB of the loudest; -120 for silence."""
    whole = len(signal) // _WINDOW_FRAMES * _WINDOW_FRAMES
    if not whole:
        return rms_dbfs(signal)
    powers = np.mean(signal[:whole].reshape(-1, _WINDOW_FRAMES).astype(np.float64) ** 2, axis=1)
    active = powers[powers >= powers.max() * 10 ** (_QUIET_DB / 10)]
    return _decibels(float(active.mean()))


def rms_dbfs(signal: Signal) -> float:
    """Give the RMS of all of a signal; -120 for silence."""
    return _decibels(float(np.mean(signal.astype(np.float64) ** 2))) if len(signal) else _SILENCE_DBFS


def scaled_to(signal: Signal, level: float) -> Signal:
    """Give the signal at an active level (dBFS); silence stays silent."""
    now = level_dbfs(signal)
    return scaled(signal, level - now) if now > _SILENCE_DBFS else signal


def scaled(signal: Signal, gain_db: float) -> Signal:
    """Give the signal so much louder."""
    louder: Signal = signal * np.float32(10 ** (gain_db / 20))
    return louder


def _decibels(power: float) -> float:
    return max(_SILENCE_DBFS, 10 * math.log10(power)) if power > 0 else _SILENCE_DBFS
