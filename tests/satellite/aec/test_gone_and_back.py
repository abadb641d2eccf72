"""A microphone that was switched off, or a loudspeaker, is cancelled again when it is back."""

from __future__ import annotations

import numpy as np
import pytest

from interject.satellite.aec.base import BLOCK_SAMPLES, Convergence
from interject.satellite.aec.canceller import KalmanCanceller
from tests.satellite.aec.acoustics import THEIRS, Signal, level_db, room, run, talk, through
from tests.satellite.frontend.speech import RATE_HZ, white_noise

ROOM = room(90)
PLAYED = talk(4)


def heard(played: Signal) -> Signal:
    return through(ROOM, played) + white_noise(len(played), -55.0, seed=9)


def taught() -> KalmanCanceller:
    canceller = KalmanCanceller()
    run(heard(PLAYED), PLAYED, canceller)
    return canceller


def test_a_microphone_that_is_switched_off_during_a_reply_teaches_nothing() -> None:
    canceller = taught()
    muted = talk(8, seed=4)

    silent = run(np.zeros_like(muted), muted, canceller)
    got = run(heard(PLAYED), PLAYED, canceller)

    assert not silent.out.any()
    assert silent.facts[-1].convergence is Convergence.CONVERGED
    assert level_db(heard(PLAYED), 0.5, 4) - level_db(got.out, 0.5, 4) >= 18


def test_a_microphone_that_lets_next_to_nothing_through_does_not_burst_with_an_echo_that_it_lacks() -> None:
    canceller, played = taught(), talk(4, seed=4)
    # A gate that shuts and opens every half second.
    shut = np.arange(len(played)) // (RATE_HZ // 2) % 2 == 1
    mic = np.where(shut, np.float32(0.001), np.float32(1)) * heard(played)

    got = run(mic, played, canceller)

    powers = np.mean(np.square(mic.reshape(-1, BLOCK_SAMPLES)), axis=1)
    # The suppressor's filter still rings for 8 ms of what it heard before.
    rings = np.concatenate(
        [[False], shut[BLOCK_SAMPLES - 1 :: BLOCK_SAMPLES][1:] & ~shut[BLOCK_SAMPLES - 1 :: BLOCK_SAMPLES][:-1]]
    )
    for signal, judged in ((got.kept, np.ones_like(rings)), (got.out, ~rings)):
        left = np.mean(np.square(signal.reshape(-1, BLOCK_SAMPLES)), axis=1)
        assert (left / powers)[judged].max() <= 4.1


def test_a_loudspeaker_that_was_turned_off_is_learnt_again_when_it_is_turned_up() -> None:
    canceller = taught()
    unheard = talk(8, seed=4)

    run(white_noise(len(unheard), -70.0, seed=9), unheard, canceller)
    got = run(heard(PLAYED), PLAYED, canceller)

    assert level_db(heard(PLAYED), 2, 4) - level_db(got.out, 2, 4) >= 18
    assert got.facts[-1].convergence is Convergence.CONVERGED


@pytest.mark.parametrize("echo_db", [-30, -40])
def test_a_user_over_a_quiet_echo_is_no_echo_that_came_back(echo_db: float) -> None:
    played, user = talk(10), talk(10, THEIRS, seed=4)
    user[: 4 * RATE_HZ] = 0
    echo = through(ROOM, played) * np.float32(10 ** (echo_db / 20))

    got = run(echo + user + white_noise(len(played), -62.0, seed=9), played)

    assert {fact.convergence for fact in got.facts[200:]} == {Convergence.CONVERGED}
