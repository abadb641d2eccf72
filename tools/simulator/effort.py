"""How a voice changes when it whispers, shouts or turns away: its spectrum; how loud it is, the scene says."""

from __future__ import annotations

from enum import Enum

import numpy as np
import soxr

from tools.simulator.levels import RATE_HZ, Signal

_FRAME = 512
_HOP = 128
# Wide enough to hide the harmonics of any voice, narrow enough to keep formants apart: 9 bins of 31 Hz.
_SMOOTHING = np.hanning(11)[1:-1] / np.hanning(11)[1:-1].sum()
# Without the vocal folds the low half of the spectrum is missing.
_WHISPER_DB_PER_OCTAVE = 5.0
# A shout is brighter by some 4 dB an octave and higher by two or three semitones.
_SHOUT_DB_PER_OCTAVE = 4.0
_SHOUT_PITCH = 1.15
# The head's shadow.
_AWAY_DB_PER_OCTAVE = -3.0
_PIVOT_HZ = (500.0, 4_000.0)


class Effort(Enum):
    """How something is said."""

    NORMAL = "normal"
    WHISPER = "whisper"
    SHOUT = "shout"
    AWAY = "away"


# At the microphone, against the same person's normal voice.
USUAL_LEVEL_DB = {Effort.NORMAL: 0.0, Effort.WHISPER: -14.0, Effort.SHOUT: 12.0, Effort.AWAY: -8.0}


def speak_with(effort: Effort, samples: Signal, generator: np.random.Generator) -> Signal:
    """Give the clip as it is said with that effort, its level as it comes."""
    match effort:
        case Effort.NORMAL:
            return samples
        case Effort.WHISPER:
            return tilted(_without_voice(samples, generator), _WHISPER_DB_PER_OCTAVE)
        case Effort.SHOUT:
            return tilted(np.asarray(soxr.resample(samples, RATE_HZ * _SHOUT_PITCH, RATE_HZ)), _SHOUT_DB_PER_OCTAVE)
        case Effort.AWAY:
            return tilted(samples, _AWAY_DB_PER_OCTAVE)


def tilted(samples: Signal, db_per_octave: float) -> Signal:
    """Tilt the spectrum between 500 Hz and 4 kHz, without moving anything in time."""
    padded = np.pad(samples, _FRAME)
    octaves = np.log2(np.clip(np.fft.rfftfreq(len(padded), 1 / RATE_HZ), *_PIVOT_HZ) / _PIVOT_HZ[0])
    spectrum = np.fft.rfft(padded) * 10 ** (db_per_octave * octaves / 20)
    bent: Signal = np.fft.irfft(spectrum, len(padded))[_FRAME:-_FRAME].astype(np.float32)
    return bent


def _without_voice(samples: Signal, generator: np.random.Generator) -> Signal:
    """Keep the formants and put noise where the harmonics were."""
    padded = np.pad(samples, (_FRAME, _FRAME + _HOP))
    window = np.hanning(_FRAME + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP] * window
    magnitudes = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    smooth = np.sqrt(np.apply_along_axis(np.convolve, 1, magnitudes, _SMOOTHING, mode="same"))
    phases = np.exp(2j * np.pi * generator.random(smooth.shape))
    noise = np.fft.irfft(smooth * phases, axis=1) * window
    whole = np.zeros(len(padded))
    for number, frame in enumerate(noise):
        whole[number * _HOP : number * _HOP + _FRAME] += frame
    return whole[_FRAME : _FRAME + len(samples)].astype(np.float32)
