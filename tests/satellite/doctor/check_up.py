"""Check-ups in rooms of which everything is known: a loudspeaker, a way with its ringing, a microphone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.satellite.doctor.measure import Findings, Rehearsal, measure
from interject.satellite.doctor.recording import Layout, Recording, lay_out
from interject.satellite.doctor.signals import Programme, make_programme

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples

    Signal = NDArray[np.float64]

RATE_HZ = 16_000
# Nothing that a satellite would complain of.
GOOD = Rehearsal(converged_s=2.5, gain_db=30.0, windows=266, heard=3, counted=0, voices=0.0)
_FINER = 8
_RING_FRAMES = 1_600


@dataclass(frozen=True)
class Room:
    """What happens to what is played: bent, delayed, drifted, rung through the room, noise added, and cut off."""

    delay_ms: float = 60.0
    echo_db: float = -10.0
    noise_dbfs: float | None = -65.0
    drift_ppm: float = 0.0
    bend: Callable[[Signal], Signal] = lambda signal: signal
    limit: float = 1.0


def programme() -> Programme:
    """Return the programme at 16 kHz."""
    return programme_at(RATE_HZ)


@cache
def programme_at(rate_hz: int) -> Programme:
    return make_programme(rate_hz, 1.0)


@cache
def echo_in(room: Room) -> Signal:
    """Return the programme's echo alone."""
    sent = room.bend(programme().samples / 32768)
    ringing = np.random.default_rng(1).standard_normal(_RING_FRAMES) * 0.03 * np.exp(-np.arange(_RING_FRAMES) / 400)
    ringing[0] = 1.0
    gain = 10 ** (room.echo_db / 20)
    size = 1 << (len(sent) + _RING_FRAMES).bit_length()
    rung = np.fft.irfft(np.fft.rfft(sent, size) * np.fft.rfft(ringing, size), size)[: len(sent)]
    if not room.drift_ppm:
        return np.concatenate((np.zeros(round(room.delay_ms * RATE_HZ / 1000)), rung))[: len(rung)] * gain
    # The delay grows, between samples too.
    at = np.arange(len(sent)) * (1 - room.drift_ppm * 1e-6) - room.delay_ms * RATE_HZ / 1000
    finer = np.interp(at * _FINER, np.arange(len(sent) * _FINER), soxr.resample(rung, 1, _FINER), left=0.0)
    drifted: Signal = finer * gain
    return drifted


def record_in(room: Room) -> Recording:
    """Return what the microphone records of the programme."""
    echo = echo_in(room)
    noise = np.zeros(len(echo))
    if room.noise_dbfs is not None:
        noise = np.random.default_rng(2).standard_normal(len(echo)) * 10 ** (room.noise_dbfs / 20)
    return Recording(RATE_HZ, to_int16(np.clip(echo + noise, -room.limit, room.limit)), programme().samples)


def examine(recording: Recording) -> Findings:
    """Return the findings, with a satellite that has nothing to complain of."""
    return measure(recording, lay_out(programme(), recording), GOOD)


def layout_of(recording: Recording) -> Layout:
    """Find the programme in a recording at 16 kHz."""
    return lay_out(programme(), recording)


def level_of(echo: Signal, layout: Layout) -> float:
    """Return the true level of an echo of the speech, in dB of what was played."""
    said = programme().samples[layout.speech] / 32768
    heard = echo[layout.speech]
    return float(10 * np.log10(float(heard @ heard) / float(said @ said)))


def to_int16(signal: Signal) -> Samples:
    rounded: Samples = np.clip(np.rint(signal * 32768), -32768, 32767).astype(np.int16)
    return rounded
