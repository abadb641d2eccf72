"""A loudspeaker beside its microphone, in a room of noise that decays; seeded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.canceller import KalmanCanceller
from tests.satellite.frontend.speech import RATE_HZ, clip, to_float

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.satellite.aec.base import Cancelled
    from interject.satellite.aec.facts import EchoFacts

Signal = NDArray[np.float32]
OURS = ("about_a_lighthouse", "count_to_twenty", "turn_on_the_kitchen_light", "tell_me_a_story")
THEIRS = ("tell_me_a_long_story", "what_time_is_it", "stop")


def talk(seconds: float, names: Sequence[str] = OURS, level_dbfs: float = -20.0, seed: int = 1) -> Signal:
    """Speak clips in random order with short pauses, each at the level given."""
    random = np.random.default_rng(seed)
    parts: list[Signal] = []
    while sum(map(len, parts)) < seconds * RATE_HZ:
        spoken = to_float(clip(random.choice(list(names))))
        spoken *= np.float32(10 ** (level_dbfs / 20) / np.sqrt(np.mean(spoken**2)))
        parts += [spoken, np.zeros(random.integers(1_000, 4_000), np.float32)]
    return np.concatenate(parts)[: round(seconds * RATE_HZ)]


def room(delay_ms: float, seed: int = 3, direct_to_reverberant_db: float = 12.0) -> Signal:
    """Return the response of a room with RT60 = 0.4 s: a direct path of gain 1, and noise that decays behind it."""
    delay = round(delay_ms * RATE_HZ / 1000)
    response = np.zeros(delay + round(0.4 * RATE_HZ), np.float32)
    times_s = np.arange(len(response) - delay) / RATE_HZ
    tail = np.random.default_rng(seed).standard_normal(len(times_s)) * 10 ** (-3 * times_s / 0.4)
    tail[:20] = 0
    response[delay:] = tail / np.sqrt(np.sum(tail**2)) * 10 ** (-direct_to_reverberant_db / 20)
    response[delay] += 1
    return response


def through(response: Signal, signal: Signal) -> Signal:
    size = 1 << (len(signal) + len(response)).bit_length()
    heard: Signal = np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(response, size), size).astype(np.float32)
    return heard[: len(signal)]


def drifting(signal: Signal, ppm: float) -> Signal:
    """Return what a clock that is `ppm` slower samples: every event comes later and later."""
    times = np.arange(len(signal)) * (1 - ppm * 1e-6)
    # Linear interpolation would be a low-pass that breathes with the drift; speech below 3 kHz hardly notices.
    sampled: Signal = np.interp(times, np.arange(len(signal)), signal).astype(np.float32)
    return sampled


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out for the detector, what is kept, and the facts after every block."""

    out: Signal
    kept: Signal
    facts: list[EchoFacts]


def run(mic: Signal, played: Signal, canceller: KalmanCanceller | None = None) -> Outcome:
    canceller = KalmanCanceller() if canceller is None else canceller
    got: list[Cancelled] = []
    facts: list[EchoFacts] = []
    for at in range(0, len(mic) - BLOCK_SAMPLES + 1, BLOCK_SAMPLES):
        got.append(canceller.process(mic[at : at + BLOCK_SAMPLES], played[at : at + BLOCK_SAMPLES]))
        facts.append(canceller.facts)
    out, kept = (np.concatenate(parts) for parts in zip(*((each.for_vad, each.kept) for each in got), strict=True))
    return Outcome(out, kept, facts)


def level_db(signal: Signal, start_s: float, stop_s: float) -> float:
    part = signal[round(start_s * RATE_HZ) : round(stop_s * RATE_HZ)].astype(np.float64)
    return float(10 * np.log10(np.mean(part**2) + 1e-12))
