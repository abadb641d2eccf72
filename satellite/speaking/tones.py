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

# Two rising tones (A4, D5), as the end of a question.
_NOT_UNDERSTOOD_HZ = (440.0, 587.3)
_NOT_UNDERSTOOD_TONE_MS = 120

# A ring is for somebody in the next room: as loud as the louder parts of speech.
RING_LEVEL_DBFS = -9.0
# Three rising tones of a major chord (A5, C#6, E6), twice: friendly, and high enough to be heard over a kettle.
_RING_HZ = (880.0, 1108.7, 1318.5)
_RING_TONE_MS = 250
_RING_GAP_MS = 500


def error_cue(rate_hz: int) -> Samples:
    """Return two gently falling tones, 300 ms in all: something did not work."""
    return _tones(rate_hz, _ERROR_HZ, _ERROR_TONE_MS, LEVEL_DBFS)


def not_understood_cue(rate_hz: int) -> Samples:
    """Return two gently rising tones, 240 ms in all: say that again."""
    return _tones(rate_hz, _NOT_UNDERSTOOD_HZ, _NOT_UNDERSTOOD_TONE_MS, LEVEL_DBFS)


def ring_tone(rate_hz: int) -> Samples:
    """Return two bright, rising arpeggios, 2 s in all: a timer has finished."""
    arpeggio = _tones(rate_hz, _RING_HZ, _RING_TONE_MS, RING_LEVEL_DBFS)
    gap = np.zeros(round(rate_hz * _RING_GAP_MS / 1000), np.int16)
    return np.concatenate([arpeggio, gap, arpeggio])


def _tones(rate_hz: int, pitches_hz: tuple[float, ...], tone_ms: int, level_dbfs: float) -> Samples:
    frames = round(rate_hz * tone_ms / 1000)
    edge = round(rate_hz * EDGE_MS / 1000)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
    envelope = np.ones(frames)
    envelope[:edge] = rise
    envelope[frames - edge :] = rise[::-1]
    amplitude = np.iinfo(np.int16).max * 10 ** (level_dbfs / 20)
    times_s = np.arange(frames) / rate_hz
    waves = [amplitude * envelope * np.sin(2 * np.pi * pitch * times_s) for pitch in pitches_hz]
    return np.concatenate(waves).astype(np.int16)
