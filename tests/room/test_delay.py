from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tools.simulator.delay import LONGEST_FRAMES, SHORTEST_FRAMES, DelayLine
from tools.simulator.levels import RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tools.simulator.levels import Signal

BLOCK = 160


def delayed(line: DelayLine, signal: Signal) -> Signal:
    return np.concatenate([line.process(block) for block in signal.reshape(-1, BLOCK)])


def tone(at: NDArray[np.float64], hz: float = 1_000.0) -> NDArray[np.float64]:
    return np.sin(2 * np.pi * hz * at / RATE_HZ)


def test_whole_samples_are_passed_on_untouched() -> None:
    signal = np.random.default_rng(1).standard_normal(100 * BLOCK, np.float32)
    assert np.array_equal(delayed(DelayLine(1_234, 0), signal)[1_234:], signal[:-1_234])


def test_a_part_of_a_sample_counts() -> None:
    frames = np.arange(100 * BLOCK, dtype=float)
    late = delayed(DelayLine(700.3, 0), tone(frames).astype(np.float32))
    assert late[1_000:] == pytest.approx(tone(frames - 700.3)[1_000:], abs=2e-3)


@pytest.mark.parametrize("ppm", [-200.0, 50.0])
def test_two_clocks_drift_apart_by_exactly_so_much(ppm: float) -> None:
    frames = np.arange(5 * RATE_HZ, dtype=float)
    line = DelayLine(1_600, ppm)
    late = delayed(line, tone(frames).astype(np.float32))
    assert late[2_000:] == pytest.approx(tone(frames * (1 + ppm * 1e-6) - 1_600)[2_000:], abs=2e-3)
    assert line.delay == pytest.approx(1_600 - 5 * RATE_HZ * ppm * 1e-6, abs=1e-3)


def test_a_jump_is_a_jump() -> None:
    signal = np.random.default_rng(1).standard_normal(100 * BLOCK, np.float32)
    line = DelayLine(1_000, 0)
    delayed(line, signal[: 50 * BLOCK])
    line.jump(320)
    assert np.array_equal(delayed(line, signal[50 * BLOCK :]), signal[50 * BLOCK - 1_320 : -1_320])


@pytest.mark.parametrize("ppm", [-5e5, 5e5])
def test_drift_without_end_slips_back_and_stays_a_delay(ppm: float) -> None:
    line = DelayLine(1_000, ppm)
    for _ in range(400):
        line.process(np.zeros(BLOCK, np.float32))
        assert SHORTEST_FRAMES <= line.delay <= LONGEST_FRAMES


@pytest.mark.parametrize("frames", [0, -5, LONGEST_FRAMES])
def test_an_impossible_delay_is_refused(frames: float) -> None:
    with pytest.raises(ValueError, match="delay"):
        DelayLine(frames, 0)
