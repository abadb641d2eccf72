"""Speech for the tests of hearing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.wav import read_wav

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples

RATE_HZ = 16_000
REPO = Path(__file__).resolve().parents[3]
CLIPS = REPO / "tests" / "clips"
VOICES = REPO.parent / "shared" / "speech"


def clip(name: str, rate_hz: int = RATE_HZ) -> Samples:
    """Read one of the repository's clips."""
    return read_wav(CLIPS / f"{name}.wav", rate_hz)


def voices() -> list[Path]:
    """Name the recorded voices, or skip the test where they are absent."""
    found = sorted(path for path in VOICES.glob("*.wav") if not path.name.startswith("noise"))
    if not found:
        pytest.skip("no recorded voices beside the repository")
    return found


def to_float(samples: Samples) -> NDArray[np.float32]:
    """Scale int16 to -1..1."""
    return np.multiply(samples, np.float32(1 / 32768), dtype=np.float32)


def white_noise(count: int, level_dbfs: float, seed: int = 1) -> NDArray[np.float32]:
    """Make Gaussian noise of an RMS level."""
    noise: NDArray[np.float32] = np.random.default_rng(seed).standard_normal(count, np.float32)
    noise *= np.float32(10 ** (level_dbfs / 20))
    return noise
