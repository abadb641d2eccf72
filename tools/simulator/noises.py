"""What else sounds in a room, each as one period of an endless loop."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from tools.simulator.levels import RATE_HZ, Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

# 8.2 s; longer than anything that follows noise remembers of it.
LOOP_FRAMES = 2**17


class NoiseKind(Enum):
    """Where the noise comes from: QUIET is a room at night, TV somebody speaking on it."""

    QUIET = "quiet"
    FAN = "fan"
    KITCHEN = "kitchen"
    MUSIC = "music"
    TV = "tv"


def quiet(generator: np.random.Generator) -> Signal:
    """Make pink noise: distant traffic and the microphone itself."""
    return _shaped(generator, lambda hz: hz**-1.0)


def fan(generator: np.random.Generator) -> Signal:
    """Make the rush of air with the hum of blades."""
    rush = _shaped(generator, lambda hz: 1 / (1 + (hz / 300) ** 2) + 0.02)
    # Whole periods, so that the loop has no seam.
    cycles = round(generator.uniform(80, 160) * LOOP_FRAMES / RATE_HZ)
    t = np.arange(LOOP_FRAMES) / LOOP_FRAMES
    hum = sum(np.sin(2 * np.pi * cycles * harmonic * t + generator.uniform(0, 6)) / harmonic for harmonic in (1, 2, 3))
    return np.asarray(rush + 0.3 * rush.std() * hum, np.float32)


def hum(generator: np.random.Generator) -> Signal:
    """Make mains hum with the hiss of a mixer."""
    hiss = _shaped(generator, np.ones_like)
    cycles = round(50.0 * LOOP_FRAMES / RATE_HZ)
    t = np.arange(LOOP_FRAMES) / LOOP_FRAMES
    mains = sum(np.sin(2 * np.pi * cycles * harmonic * t) / harmonic for harmonic in (1, 2, 3))
    return np.asarray(hiss + hiss.std() * mains, np.float32)


def kitchen(generator: np.random.Generator) -> Signal:
    """Make running water with dishes that clatter."""
    water = _shaped(generator, lambda hz: 1 / (1 + ((hz - 2_500) / 2_000) ** 2))
    clatter = np.zeros(LOOP_FRAMES)
    t = np.arange(round(0.15 * RATE_HZ)) / RATE_HZ
    for _ in range(24):
        ringing = sum(
            generator.uniform(0.2, 1) * np.sin(2 * np.pi * hz * t) for hz in generator.uniform(900, 6_500, size=5)
        )
        _add(clatter, generator, generator.uniform(0.1, 1) * ringing * np.exp(-t / generator.uniform(0.01, 0.04)))
    return np.asarray(water / water.std() + 3 * clatter / clatter.std(), np.float32)


def music(generator: np.random.Generator) -> Signal:
    """Make chords and a melody over a beat."""
    loop = np.zeros(LOOP_FRAMES)
    beat = LOOP_FRAMES // 16
    scale = 220 * 2 ** (np.array([0, 2, 4, 7, 9, 12, 14, 16]) / 12)
    t = np.arange(2 * beat) / RATE_HZ
    for number in range(16):
        notes = [
            generator.choice(scale) * 2,
            *(generator.choice(scale, 3, replace=False) / 2 if number % 4 == 0 else ()),
        ]
        for hz in notes:
            tone = sum(np.sin(2 * np.pi * hz * harmonic * t) / harmonic**1.5 for harmonic in range(1, 7))
            _add_at(loop, number * beat, tone * np.minimum(t / 0.01, 1) * np.exp(-t / 0.5))
        drum = generator.standard_normal(len(t)) * np.exp(-t / 0.02)
        _add_at(loop, number * beat, 0.8 * drum)
    return loop.astype(np.float32)


def television(sentences: Sequence[Signal]) -> Signal:
    """Lay sentences end to end until the loop is full."""
    return np.resize(np.concatenate(list(sentences)), LOOP_FRAMES).astype(np.float32)


def _shaped(generator: np.random.Generator, power: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Signal:
    hz = np.maximum(np.fft.rfftfreq(LOOP_FRAMES, 1 / RATE_HZ), 20.0)
    spectrum = np.exp(2j * np.pi * generator.random(len(hz))) * np.sqrt(power(hz))
    spectrum[0] = 0
    return np.asarray(np.fft.irfft(spectrum, LOOP_FRAMES), np.float32)


def _add(loop: NDArray[np.float64], generator: np.random.Generator, sound: NDArray[np.float64]) -> None:
    _add_at(loop, int(generator.integers(LOOP_FRAMES)), sound)


def _add_at(loop: NDArray[np.float64], start: int, sound: NDArray[np.float64]) -> None:
    loop[(start + np.arange(len(sound))) % LOOP_FRAMES] += sound
