"""Our own voice is taken out, the user's is left, whatever the room does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interject.satellite.aec.base import BLOCK_SAMPLES, Convergence
from interject.satellite.aec.canceller import KalmanCanceller, Path
from tests.satellite.aec.acoustics import THEIRS, Signal, drifting, level_db, room, run, talk, through
from tests.satellite.frontend.speech import RATE_HZ, white_noise

NOISE_DBFS = -55.0


def quiet(signal: Signal) -> Signal:
    return white_noise(len(signal), NOISE_DBFS, seed=9)


def erle_db(mic: Signal, out: Signal, start_s: float, stop_s: float) -> float:
    return level_db(mic, start_s, stop_s) - level_db(out, start_s, stop_s)


@pytest.mark.parametrize("delay_ms", [5, 90, 390])
def test_our_own_voice_is_gone_within_two_seconds(delay_ms: int) -> None:
    played = talk(3.5)
    mic = through(room(delay_ms), played) + quiet(played)

    got = run(mic, played)

    assert erle_db(mic, got.out, 2.0, 3.5) >= 18
    assert got.facts[-1].convergence is Convergence.CONVERGED
    assert got.facts[-1].delay_ms == pytest.approx(delay_ms, abs=2)
    assert got.facts[-1].echo_db == pytest.approx(0, abs=3)


def learnt(played: Signal, response: Signal) -> Path:
    taught = KalmanCanceller()
    run(through(response, played) + quiet(played), played, taught)
    assert taught.path is not None
    return taught.path


def test_a_known_path_is_believed_from_the_first_words() -> None:
    played = talk(3)

    got = run(through(room(120), played) + quiet(played), played, KalmanCanceller(learnt(talk(4, seed=5), room(120))))

    assert got.facts[0].delay_ms == pytest.approx(120, abs=2)
    assert got.facts[30].convergence is Convergence.CONVERGED
    assert erle_db(through(room(120), played), got.out, 0.2, 1.0) >= 20


@pytest.mark.parametrize(
    "now", [pytest.param(room(90, seed=8), id="another room"), pytest.param(room(160), id="another delay")]
)
def test_a_path_that_is_no_longer_true_is_learnt_anew_and_believed_later(now: Signal) -> None:
    played = talk(5)
    mic = through(now, played) + quiet(played)

    got = run(mic, played, KalmanCanceller(learnt(talk(4, seed=5), room(90))))

    assert not any(fact.playing and fact.refusal() is None for fact in got.facts[:100])
    assert got.facts[-1].convergence is Convergence.CONVERGED
    assert erle_db(mic, got.out, 3.0, 5.0) >= 20


def test_a_path_that_was_damaged_is_refused() -> None:
    path = learnt(talk(4), room(90))
    with pytest.raises(ValueError, match="response of the echo's path"):
        replace(path, response=b"")
    with pytest.raises(ValueError, match="1000000 samples late"):
        replace(path, delay_samples=1_000_000)
    with pytest.raises(ValueError, match="at nan ppm"):
        replace(path, drift_ppm=float("nan"))


def test_a_path_that_nobody_has_learnt_is_not_kept() -> None:
    assert KalmanCanceller().path is None


@pytest.mark.parametrize("echo_over_user_db", [0, 10])
def test_the_user_is_left_alone_while_both_talk(echo_over_user_db: float) -> None:
    played = talk(8)
    user = talk(8, THEIRS, level_dbfs=-20 - echo_over_user_db, seed=4)
    user[: 4 * RATE_HZ] = 0
    mic = through(room(90), played) + quiet(played) + user

    got = run(mic, played)

    # What is left of us is far below the user by then.
    assert level_db(got.out, 4.0, 8.0) >= level_db(user, 4.0, 8.0) - 3
    assert max(fact.evidence for fact in got.facts[210:]) >= 0.15
    assert {fact.convergence for fact in got.facts[200:]} == {Convergence.CONVERGED}


def test_talking_at_once_leaves_the_filter_as_good_as_it_was() -> None:
    played = talk(9)
    user = talk(9, THEIRS, level_dbfs=-20, seed=4)
    user[: 3 * RATE_HZ], user[7 * RATE_HZ :] = 0, 0
    mic = through(room(90), played) + quiet(played) + user

    assert erle_db(mic, run(mic, played).out, 7.2, 9.0) >= 20


def test_evidence_is_of_somebody_else_only() -> None:
    played = talk(7)
    mic = through(room(90), played) + quiet(played)

    got = run(mic, played)

    assert max(fact.evidence for fact in got.facts[100:]) < 0.1


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(2 * room(90), id="6 dB louder"),
        pytest.param(0.25 * room(90), id="12 dB softer"),
        pytest.param(room(110), id="20 ms later"),
        pytest.param(room(70), id="20 ms earlier"),
        pytest.param(room(250), id="160 ms later"),
        pytest.param(room(90, seed=8), id="another place in the room"),
    ],
)
def test_a_changed_path_is_learnt_within_two_seconds(after: Signal) -> None:
    played = talk(8)
    change = 4 * RATE_HZ
    mic = np.concatenate([through(room(90), played)[:change], through(after, played)[change:]]) + quiet(played)

    got = run(mic, played)

    assert erle_db(mic, got.out, 6.0, 8.0) >= min(20, level_db(mic, 6.0, 8.0) - NOISE_DBFS - 3)
    assert got.facts[-1].convergence is Convergence.CONVERGED


def test_a_slipped_buffer_is_nobody_s_voice_and_the_room_behind_it_is_known_again() -> None:
    played = talk(8)
    # In the middle of a word.
    change = round(4.7 * RATE_HZ)
    mic = np.concatenate([through(room(90), played)[:change], through(room(70), played)[change:]]) + quiet(played)

    got = run(mic, played)

    unsure = [at for at, fact in enumerate(got.facts) if at >= 235 and fact.convergence is not Convergence.CONVERGED]
    assert unsure[0] <= 250
    assert unsure[-1] <= 335
    # Two windows of a voice activity detector take 64 ms.
    assert not any(fact.refusal() is None for fact in got.facts[239:335])
    assert erle_db(mic, got.out, 6.2, 8.0) >= 20


@pytest.mark.parametrize("ppm", [100, -100])
def test_clocks_that_drift_apart_are_followed(ppm: float) -> None:
    played = talk(12)
    mic = drifting(through(room(90), played), ppm) + quiet(played)

    got = run(mic, played)

    assert got.facts[-1].drift_ppm == pytest.approx(ppm, abs=20)
    assert erle_db(mic, got.out, 8.0, 12.0) >= 20


def test_clocks_that_agree_are_left_alone() -> None:
    played = talk(8)
    mic = through(room(90), played) + quiet(played)

    assert abs(run(mic, played).facts[-1].drift_ppm) < 5


def test_without_playback_the_microphone_passes_sample_by_sample() -> None:
    mic = talk(2, THEIRS)

    got = run(mic, np.zeros_like(mic))

    assert np.array_equal(got.out, mic[: len(got.out)])
    assert not any(fact.playing for fact in got.facts)


def test_the_output_is_aligned_with_the_microphone_while_we_play() -> None:
    played = talk(6)
    user = talk(6, THEIRS, level_dbfs=-15, seed=4)
    user[: 3 * RATE_HZ] = 0

    got = run(through(room(90), played) + quiet(played) + user, played)

    part = slice(3 * RATE_HZ, 6 * RATE_HZ - BLOCK_SAMPLES)
    lags = range(-40, 41)
    match = [float(np.dot(user[part], np.roll(got.out, -lag)[part])) for lag in lags]
    assert abs(lags[int(np.argmax(match))]) <= 2


def test_a_microphone_that_clips_does_no_lasting_harm() -> None:
    played = talk(7)
    echo = through(room(90), played)
    loud = slice(3 * RATE_HZ, 4 * RATE_HZ)
    echo[loud] = np.clip(12 * echo[loud], -1, 1)
    mic = echo + quiet(played)

    got = run(mic, played)

    assert np.abs(got.out).max() <= 2
    assert erle_db(mic, got.out, 6.0, 7.0) >= 20


def test_what_is_no_number_does_no_harm() -> None:
    played = talk(4)
    mic = through(room(90), played) + quiet(played)
    mic[20_000:20_100] = np.nan
    played[22_000] = np.inf

    got = run(mic, played)

    assert np.isfinite(got.out).all()
    assert erle_db(np.nan_to_num(mic), got.out, 3.0, 4.0) >= 15


def test_silence_stays_silence() -> None:
    got = run(np.zeros(2 * RATE_HZ, np.float32), talk(2))

    assert np.abs(got.out).max() < 1e-6


def test_a_block_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="320 samples"):
        KalmanCanceller().process(np.zeros(80, np.float32), np.zeros(80, np.float32))
