"""Short sounds that say something without words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from satellite.devices.base import Samples

# About as loud as the quieter parts of speech: a cue informs, it does not startle.
LEVEL_DBFS = -18.0
# Each tone comes and goes this softly, so that it does not click.
EDGE_MS = 15

# Two falling tones (E5, A4): heard as "no" across languages.
_ERROR_HZ = (659.3, 440.0)
_ERROR_TONE_MS = 150


def error_cue(rate_hz: int) -> Samples:
    """Return two gently falling tones, 300 ms in all: something did not work."""
    return _tones(rate_hz, _ERROR_HZ, _ERROR_TONE_MS)


def _tones(rate_hz: int, pitches_hz: tuple[float, ...], tone_ms: int) -> Samples:
    frames = round(rate_hz * tone_ms / 1000)
    edge = round(rate_hz * EDGE_MS / 1000)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
    envelope = np.ones(frames)
    envelope[:edge] = rise
    envelope[frames - edge :] = rise[::-1]
    amplitude = np.iinfo(np.int16).max * 10 ** (LEVEL_DBFS / 20)
    times_s = np.arange(frames) / rate_hz
    waves = [amplitude * envelope * np.sin(2 * np.pi * pitch * times_s) for pitch in pitches_hz]
    return np.concatenate(waves).astype(np.int16)
