"""Decodes so many seconds of noise that goes up and down like speech, in search of stop words: for counting."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.wake.base import RATE_HZ
from interject.satellite.wake.stop_grammar import StopDecoder

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples

_SLICE = RATE_HZ // 50
_SYLLABLES_HZ = 4


def syllables(seconds: int) -> Samples:
    """Return so many seconds of it, at 16 kHz."""
    frames = seconds * RATE_HZ
    envelope = 1 + np.sin(2 * np.pi * _SYLLABLES_HZ * np.arange(frames) / RATE_HZ)
    samples: Samples = (np.random.default_rng(1).normal(0, 2_000, frames) * envelope).astype("<i2")
    return samples


def main() -> None:
    """Decode."""
    samples = syllables(int(sys.argv[1]))
    decoder = StopDecoder()
    decoder.begin()
    for at in range(0, len(samples), _SLICE):
        decoder.feed(samples[at : at + _SLICE].tobytes())


if __name__ == "__main__":
    main()
