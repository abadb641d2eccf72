"""espeak-ng for the room, in a process of its own: what the library says depends on all that it said before.

Run as a program it reads the lines as JSON and writes each one's length (uint32) and samples (int16).
"""

from __future__ import annotations

import ctypes
import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import espeakng_loader
import numpy as np
import soxr

from interject.satellite.audio.pcm import INT16_FULL_SCALE
from interject.servers.tts.engines.espeak_library import EspeakLibrary
from tools.simulator.levels import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.simulator.levels import Signal

_ROOT = Path(__file__).resolve().parents[2]
_RATE_WPM = 170
_SEED = 1
# All lines together are about a second's work.
_PATIENCE_S = 120.0


def speak(lines: Sequence[tuple[str, str]]) -> list[Signal]:
    """Say (voice, text) pairs; the same list gives the same samples on every machine with the same library."""
    command = [sys.executable, "-m", __name__]
    said = subprocess.run(
        command, input=json.dumps(lines).encode(), stdout=subprocess.PIPE, cwd=_ROOT, timeout=_PATIENCE_S, check=True
    ).stdout
    (rate_hz,) = struct.unpack_from("<I", said)
    at, found = 4, []
    for _ in lines:
        (count,) = struct.unpack_from("<I", said, at)
        samples = np.frombuffer(said, "<i2", count, at + 4).astype(np.float32) / np.float32(INT16_FULL_SCALE)
        found.append(np.asarray(soxr.resample(samples, rate_hz, RATE_HZ), np.float32))
        at += 4 + 2 * count
    return found


def _main() -> None:
    library = EspeakLibrary()
    # The library seeds its flutter and its breath with the time of day.
    seeding = ctypes.CDLL(espeakng_loader.get_library_path()).espeak_ng_SetRandSeed
    seeding.argtypes = (ctypes.c_long,)
    seeding(_SEED)
    sys.stdout.buffer.write(struct.pack("<I", library.rate_hz))
    for voice, text in json.load(sys.stdin):
        pcm = bytearray()

        def take(piece: bytes, _words: object, pcm: bytearray = pcm) -> bool:
            pcm.extend(piece)
            return True

        library.synthesize(text, voice, _RATE_WPM, take)
        sys.stdout.buffer.write(struct.pack("<I", len(pcm) // 2) + pcm)
    library.close()


if __name__ == "__main__":
    _main()
