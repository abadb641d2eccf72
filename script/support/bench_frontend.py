"""What the satellite's front end costs: CPU time for each second of audio."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from satellite.devices.wav import read_wav
from satellite.hearing.engines import CancellerKind, make_echo_control
from satellite.hearing.frontend import FrontEnd, HearingSettings
from satellite.hearing.vad import RATE_HZ, WINDOW_SAMPLES, SileroVad

if TYPE_CHECKING:
    from satellite.devices.base import Samples

_CLIPS = Path(__file__).resolve().parents[2] / "tests" / "clips"
# The rates of nearly all sound cards, and the one that needs no resampling.
_RATES_HZ = (48_000, 44_100, 16_000)
_BLOCKS_PER_S = 50


def measure_front_end(seconds: float) -> dict[str, float]:
    """Run speech through the whole front end and through the VAD alone; return CPU ms per second of audio by name.

    Speech plays in both directions all the time, which is the costliest case: `seconds` of it at each device rate.
    """
    costs = {f"front end at {rate_hz} Hz, ms/s": _front_end_ms(rate_hz, seconds) for rate_hz in _RATES_HZ}
    return costs | {"of that VAD, ms/s": _vad_ms(seconds)}


def _front_end_ms(rate_hz: int, seconds: float) -> float:
    front_end = FrontEnd(rate_hz, HearingSettings(), SileroVad(), make_echo_control(CancellerKind.KALMAN))
    mic, played = _speech("tell_me_a_long_story", rate_hz, seconds), _speech("count_to_twenty", rate_hz, seconds)
    block = rate_hz // _BLOCKS_PER_S
    began_s = time.thread_time()
    for start in range(0, len(mic) - block + 1, block):
        front_end.push(mic[start : start + block], played[start : start + block])
    return (time.thread_time() - began_s) * 1000 / seconds


def _vad_ms(seconds: float) -> float:
    vad = SileroVad()
    speech = _speech("tell_me_a_long_story", RATE_HZ, seconds).astype(np.float32) / np.float32(32768)
    began_s = time.thread_time()
    for start in range(0, len(speech) - WINDOW_SAMPLES + 1, WINDOW_SAMPLES):
        vad.process(speech[start : start + WINDOW_SAMPLES])
    return (time.thread_time() - began_s) * 1000 / seconds


def _speech(clip: str, rate_hz: int, seconds: float) -> Samples:
    return np.resize(read_wav(_CLIPS / f"{clip}.wav", rate_hz), round(seconds * rate_hz))
