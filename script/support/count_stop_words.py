"""Decodes so many seconds of noise that goes up and down like speech, in search of stop words: for counting."""

from __future__ import annotations

import sys

import numpy as np

from satellite.hearing.wake.base import RATE_HZ
from satellite.hearing.wake.stop_grammar import StopDecoder

_SLICE = RATE_HZ // 50
_SYLLABLES_HZ = 4


def main() -> None:
    """Decode."""
    frames = int(sys.argv[1]) * RATE_HZ
    envelope = 1 + np.sin(2 * np.pi * _SYLLABLES_HZ * np.arange(frames) / RATE_HZ)
    samples = (np.random.default_rng(1).normal(0, 2_000, frames) * envelope).astype("<i2")
    decoder = StopDecoder()
    decoder.begin()
    for at in range(0, frames, _SLICE):
        decoder.feed(samples[at : at + _SLICE].tobytes())


if __name__ == "__main__":
    main()
