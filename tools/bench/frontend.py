"""What the satellite's front end costs: CPU time for each second of audio.

`python -m tools.bench.frontend SOUND RATE_HZ SECONDS LENGTH` makes a sound of a length and lets it hear so
many seconds of it: for tools/bench/instructions.py, which counts what that takes.
"""

from __future__ import annotations

import sys
import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.audio.pcm import INT16_FULL_SCALE, to_int16
from interject.satellite.audio.wav import read_wav
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.frontend.vad import RATE_HZ, WINDOW_SAMPLES, SileroVad
from tools.bench.report import Figure, Goal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples

    # What the microphone hears and what is played.
    Heard = tuple[Samples, Samples]

_CLIPS = Path(__file__).resolve().parents[2] / "tests" / "clips"
# The rates of nearly all sound cards, and the one that needs no resampling.
RATES_HZ = (48_000, 44_100, 16_000)
_BLOCKS_PER_S = 50
_GOAL_MS = 20
# A room with RT60 of some 0.3 s, 60 ms away, whose echo is 6 dB below what is played; noise at -70 dBFS.
_ECHO_GAIN, _DELAY_S, _DECAY_S, _ROOM_S, _DIRECT = 0.5, 0.06, 0.04, 0.15, 3.0
_NOISE = 10.0
# The user talks for three seconds of six, 10 dB below full voice.
_USER_GAIN, _TURN_S = 0.3, 3
_METHOD = "CPU time of its thread in each second of audio"


class Sound(Enum):
    """What is to be heard."""

    QUIET = "quiet"
    PLAYING = "playing"
    DOUBLE_TALK = "double-talk"


def front_end_figures(seconds: float) -> list[Figure]:
    """Measure the whole front end and the VAD alone with so many seconds of each sound."""
    figures = [
        Figure(
            f"front end at {rate_hz} Hz, {sound.value}: CPU per second of audio",
            "ms",
            front_end_ms(heard(sound, rate_hz, seconds), rate_hz, seconds),
            f"{_METHOD}; resampling, canceller, noise suppression and VAD",
            [Goal(50, _GOAL_MS)],
            decimals=1,
        )
        for rate_hz in RATES_HZ
        for sound in Sound
    ]
    return [*figures, Figure("of that VAD: CPU per second of audio", "ms", vad_ms(seconds), _METHOD, decimals=1)]


def front_end_ms(heard: Heard, rate_hz: int, seconds: float) -> list[float]:
    """Let a front end hear so much of a sound; return the CPU time of each second, in ms."""
    front_end = FrontEnd(rate_hz, HearingSettings(), SileroVad(), make_echo_control(CancellerKind.KALMAN))
    mic, played = heard
    block = rate_hz // _BLOCKS_PER_S
    costs_ms = []
    for second in range(round(seconds)):
        began_s = time.thread_time()
        for start in range(second * rate_hz, (second + 1) * rate_hz, block):
            front_end.push(mic[start : start + block], played[start : start + block])
        costs_ms.append((time.thread_time() - began_s) * 1000)
    return costs_ms


def vad_ms(seconds: float) -> list[float]:
    """Let the VAD alone hear speech; return the CPU time of each second, in ms."""
    vad = SileroVad()
    speech = _speech("tell_me_a_long_story", RATE_HZ, seconds).astype(np.float32) / np.float32(INT16_FULL_SCALE)
    costs_ms = []
    for second in range(round(seconds)):
        began_s = time.thread_time()
        for start in range(second * RATE_HZ, (second + 1) * RATE_HZ - WINDOW_SAMPLES + 1, WINDOW_SAMPLES):
            vad.process(speech[start : start + WINDOW_SAMPLES])
        costs_ms.append((time.thread_time() - began_s) * 1000)
    return costs_ms


def heard(sound: Sound, rate_hz: int, seconds: float) -> Heard:
    """Return what the microphone hears and what is played."""
    frames = round(seconds * rate_hz)
    generator = np.random.default_rng(1)
    mic = _NOISE * generator.standard_normal(frames)
    played = np.zeros(frames, np.int16)
    if sound is not Sound.QUIET:
        played = _speech("count_to_twenty", rate_hz, seconds)
        late = np.zeros(round(_DELAY_S * rate_hz))
        response = generator.standard_normal(round(_ROOM_S * rate_hz))
        response *= np.exp(-np.arange(len(response)) / (_DECAY_S * rate_hz))
        response[0] = _DIRECT
        response *= _ECHO_GAIN / np.sqrt(np.sum(np.square(response)))
        mic += _convolved(np.concatenate([late, played])[:frames], response)
    if sound is Sound.DOUBLE_TALK:
        talks = np.arange(frames) // (_TURN_S * rate_hz) % 2 > 0
        mic += talks * _USER_GAIN * _speech("tell_me_a_long_story", rate_hz, seconds)
    return to_int16((mic / INT16_FULL_SCALE).astype(np.float32)), played


def _convolved(signal: NDArray[np.float64], response: NDArray[np.float64]) -> NDArray[np.float64]:
    size = 1 << (len(signal) + len(response)).bit_length()
    return np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(response, size), size)[: len(signal)]


def _speech(clip: str, rate_hz: int, seconds: float) -> Samples:
    return np.resize(read_wav(_CLIPS / f"{clip}.wav", rate_hz), round(seconds * rate_hz))


if __name__ == "__main__":
    _rate_hz = int(sys.argv[2])
    front_end_ms(heard(Sound(sys.argv[1]), _rate_hz, float(sys.argv[4])), _rate_hz, float(sys.argv[3]))
