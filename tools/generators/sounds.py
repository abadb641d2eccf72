"""Writes the sounds that the satellite ships with, satellite/sounds/*.wav: what each says is told without words."""

from __future__ import annotations

import sys
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.sounds import SHIPPED

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples

# No tone here is above 2.7 kHz.
RATE_HZ = 22_050
# About as loud as the quieter parts of speech: a cue informs, it does not startle.
CUE_LEVEL_DBFS = -18.0
# A ring is for somebody in the next room: as loud as the louder parts of speech.
RING_LEVEL_DBFS = -9.0
# Each tone comes and goes this softly, so that it does not click.
_EDGE_MS = 15


@dataclass(frozen=True, slots=True)
class Cue:
    """Tones one after the other, of equal length; `times` with `gap_ms` of silence between."""

    pitches_hz: tuple[float, ...]
    tone_ms: int
    level_dbfs: float = CUE_LEVEL_DBFS
    times: int = 1
    gap_ms: int = 0


CUES = {
    # Up a fifth (A5, E6), at once: go ahead. It is over before most people begin to speak.
    "awake": Cue((880.0, 1318.5), 70),
    # The same downwards: thank you.
    "done": Cue((1318.5, 880.0), 70),
    # Two slow falling tones (E5, A4): heard as "no" across languages.
    "error": Cue((659.3, 440.0), 150),
    # Two rising tones (A4, D5), as the end of a question: say that again.
    "not_understood": Cue((440.0, 587.3), 120),
    # Three rising tones of a major chord (A5, C#6, E6), twice: friendly, and high enough to be heard over a kettle.
    "timer_finished": Cue((880.0, 1108.7, 1318.5), 250, RING_LEVEL_DBFS, times=2, gap_ms=500),
}


def made(cue: Cue) -> Samples:
    """Return a cue as int16 mono samples at RATE_HZ."""
    once = np.concatenate([_tone(pitch_hz, cue) for pitch_hz in cue.pitches_hz])
    gap = np.zeros(_frames(cue.gap_ms), np.int16)
    return np.concatenate([once, *([gap, once] * (cue.times - 1))])


def _tone(pitch_hz: float, cue: Cue) -> Samples:
    frames, edge = _frames(cue.tone_ms), _frames(_EDGE_MS)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
    envelope = np.ones(frames)
    envelope[:edge] = rise
    envelope[frames - edge :] = rise[::-1]
    amplitude = np.iinfo(np.int16).max * 10 ** (cue.level_dbfs / 20)
    wave_form = amplitude * envelope * np.sin(2 * np.pi * pitch_hz * np.arange(frames) / RATE_HZ)
    tone: Samples = np.rint(wave_form).astype(np.int16)
    return tone


def _frames(duration_ms: float) -> int:
    return round(RATE_HZ * duration_ms / 1000)


def main() -> int:
    """Write all files."""
    SHIPPED.mkdir(exist_ok=True)
    for name, cue in CUES.items():
        path = SHIPPED / f"{name}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(made(cue).astype("<i2").tobytes())
        sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
