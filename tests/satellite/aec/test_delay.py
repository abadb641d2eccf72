"""The bulk delay is found, whoever else talks."""

from __future__ import annotations

import numpy as np
import pytest

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.delay import DelayEstimator
from tests.satellite.aec.acoustics import THEIRS, Signal, room, talk, through
from tests.satellite.frontend.speech import RATE_HZ, white_noise


def measurements(mic: Signal, played: Signal) -> list[tuple[float, int]]:
    """Return what was measured, with the second at which it was."""
    estimator = DelayEstimator()
    ends = range(BLOCK_SAMPLES, len(mic) + 1, BLOCK_SAMPLES)
    measured = (estimator.push(mic[end - BLOCK_SAMPLES : end], played[end - BLOCK_SAMPLES : end]) for end in ends)
    return [(end / RATE_HZ, estimator.samples or 0) for end, is_new in zip(ends, measured, strict=True) if is_new]


@pytest.mark.parametrize("delay_ms", [0, 37, 150, 395])
def test_it_finds_the_delay_within_a_second_and_a_half(delay_ms: int) -> None:
    played = talk(4)
    mic = through(room(delay_ms), played) + white_noise(len(played), -50)

    found = measurements(mic, played)

    assert found[0][0] <= 1.5
    assert {samples for _, samples in found} <= set(range(delay_ms * 16 - 16, delay_ms * 16 + 17))


def test_a_user_as_loud_as_the_echo_does_not_mislead_it() -> None:
    played, user = talk(6), talk(6, THEIRS, seed=4)

    found = measurements(through(room(80), played) + user, played)

    assert len(found) > 10
    assert all(abs(samples - 80 * 16) <= 16 for _, samples in found)


def test_it_follows_a_jump_within_two_seconds() -> None:
    played = talk(8)
    change = 4 * RATE_HZ
    mic = np.concatenate([through(room(80), played)[:change], through(room(240), played)[change:]])

    found = measurements(mic, played)

    assert all(abs(samples - 240 * 16) <= 16 for at_s, samples in found if at_s > 6)


def test_without_an_echo_there_is_no_delay() -> None:
    assert not measurements(talk(4, THEIRS, seed=4), np.zeros(4 * RATE_HZ, np.float32))
    assert not measurements(white_noise(4 * RATE_HZ, -30), talk(4))
