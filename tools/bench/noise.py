"""A quiet room's microphone as a program: noise to the standard output, as a sound card gives it, until it is ended."""

from __future__ import annotations

import sys
import time

from interject.satellite.audio.pcm import to_int16
from interject.satellite.simulator.room import Noise, NoiseColour

_RATE_HZ = 16_000
# PyAudio's blocks, as the satellite asks for them.
BLOCK_FRAMES = 320
# The noise floor that the doctor's example has (docs/hearing.md).
_NOISE_DBFS = -66.0
_SEED = 1


def main() -> None:
    """Write a block whenever one is due."""
    noise = Noise(_NOISE_DBFS, NoiseColour.PINK, _SEED)
    due_s = time.monotonic()
    while True:
        sys.stdout.buffer.write(to_int16(noise.next(BLOCK_FRAMES)).tobytes())
        sys.stdout.buffer.flush()
        due_s += BLOCK_FRAMES / _RATE_HZ
        time.sleep(max(0.0, due_s - time.monotonic()))


if __name__ == "__main__":
    main()
