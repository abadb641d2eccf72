"""An echo far below the user, or below the noise, does no harm, and neither does the filter that looks for it."""

from __future__ import annotations

import numpy as np
import pytest

from interject.satellite.aec.base import Convergence
from tests.satellite.aec.acoustics import THEIRS, Signal, room, run, talk, through
from tests.satellite.frontend.speech import RATE_HZ, white_noise

ECHOES_DB = (-30, -40, -60)
NOISES_DBFS = (-55.0, -75.0)
WINDOW = RATE_HZ // 10
USER_FROM_S, USER_TO_S = 5.0, 7.0


def microphone(played: Signal, echo_db: float, noise_dbfs: float) -> Signal:
    echo = through(room(90), played) * np.float32(10 ** (echo_db / 20))
    return echo + white_noise(len(played), noise_dbfs, seed=9)


def levels_db(signal: Signal) -> Signal:
    """Return the level over 100 ms at every 10 ms."""
    energy = np.concatenate([[0], np.cumsum(signal.astype(np.float64) ** 2)])
    mean = (energy[WINDOW::160] - energy[:-WINDOW:160]) / WINDOW
    levels: Signal = (10 * np.log10(mean + 1e-12)).astype(np.float32)
    return levels


@pytest.mark.parametrize("echo_db", ECHOES_DB)
@pytest.mark.parametrize("noise_dbfs", NOISES_DBFS)
def test_what_comes_out_is_no_louder_and_as_good_as_cancelled_within_four_seconds(
    echo_db: float, noise_dbfs: float
) -> None:
    played = talk(5)
    mic = microphone(played, echo_db, noise_dbfs)

    got = run(mic, played)

    assert (levels_db(got.out) - levels_db(mic[: len(got.out)])).max() <= 1
    assert min(fact.erle_db for fact in got.facts[100:] if fact.erle_db is not None) >= -0.5
    assert {fact.convergence for fact in got.facts[200:]} == {Convergence.CONVERGED}


@pytest.mark.parametrize("echo_db", ECHOES_DB)
def test_the_user_is_heard_through_a_quiet_echo(echo_db: float) -> None:
    played = talk(8)
    user = talk(8, THEIRS, level_dbfs=-32, seed=4)
    user[: round(USER_FROM_S * RATE_HZ)], user[round(USER_TO_S * RATE_HZ) :] = 0, 0

    got = run(microphone(played, echo_db, -62) + user, played)

    while_talking = got.facts[round(50 * USER_FROM_S) : round(50 * USER_TO_S)]
    assert sum(fact.refusal() is None for fact in while_talking) >= 0.5 * len(while_talking)
    part = slice(round(USER_FROM_S * RATE_HZ), round(USER_TO_S * RATE_HZ))
    assert np.sum(got.out[part] ** 2) >= 0.9 * np.sum(user[part] ** 2)


def test_an_echo_that_nobody_looks_for_yet_is_not_taken_for_a_covered_one() -> None:
    played = talk(4)
    # An echo on every path at once, and so of no delay that could be found.
    mic = sum(through(room(delay, seed=delay), played) for delay in range(200, 390, 10)) * np.float32(0.02)
    got = run(mic + white_noise(len(played), -75, seed=9), played)

    assert {fact.convergence for fact in got.facts} == {Convergence.STARTING}
