"""What was played slides along with the other clock, without a seam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.drift import SlidingDelay
from tests.satellite.frontend.speech import RATE_HZ

if TYPE_CHECKING:
    from tests.satellite.aec.acoustics import Signal


def test_without_drift_it_is_a_plain_delay() -> None:
    played = np.random.default_rng(1).standard_normal(20 * BLOCK_SAMPLES).astype(np.float32)
    sliding = SlidingDelay()

    slid = np.concatenate(
        [
            block
            for at in range(0, len(played), BLOCK_SAMPLES)
            for block in sliding.process(played[at : at + BLOCK_SAMPLES], 0.0, 1)
        ]
    )

    lag = round(sliding.lag)
    assert np.array_equal(slid[lag:], played[:-lag])


@pytest.mark.parametrize("ppm", [120.0, -120.0])
def test_the_lag_grows_and_shrinks_without_a_seam(ppm: float) -> None:
    # So long that the lag overflows, or underflows, twice.
    count = 20_000
    played = np.sin(2 * np.pi * 1_000 / RATE_HZ * np.arange(count * BLOCK_SAMPLES)).astype(np.float32)
    sliding = SlidingDelay()
    blocks: list[Signal] = []
    for at in range(0, len(played), BLOCK_SAMPLES):
        blocks += sliding.process(played[at : at + BLOCK_SAMPLES], ppm, 100)

    slid = np.concatenate(blocks)[2 * BLOCK_SAMPLES :]

    # A seam would be a step; the tone itself moves by 0.39 from sample to sample.
    assert np.abs(np.diff(slid)).max() < 0.42
    assert len(blocks) == pytest.approx(count * (1 + ppm * 1e-6), abs=1)


def test_it_cannot_play_what_is_yet_to_come() -> None:
    sliding = SlidingDelay()
    for _ in range(100):
        assert len(sliding.process(np.ones(BLOCK_SAMPLES, np.float32), -120.0, 0)) == 1
