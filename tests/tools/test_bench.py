"""The benchmark's measuring, on recordings whose truth is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.wav import read_wav
from tools.bench.loudspeaker_match import end_of_sound, first_below, gains, locate, silent
from tools.bench.report import Figure, Goal, GoalState, Share, conclusion, missed, table
from tools.bench.scenes import Kind, after_a_standstill, backchannels, interruptions
from tools.harness.scenarios import CLIPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 16_000
BEGAN = 12_345


@pytest.fixture
def speech() -> NDArray[np.int16]:
    samples = [read_wav(CLIPS / f"{name}.wav", RATE_HZ) for name in ("tell_me_a_long_story", "count_to_twenty")]
    return np.concatenate(samples).astype(np.int16)


def played(speech: NDArray[np.int16], gain: NDArray[np.float64] | float = 1.0) -> NDArray[np.int16]:
    silence = np.zeros(BEGAN, np.int16)
    return np.concatenate((silence, np.rint(speech * gain).astype(np.int16), silence))


@pytest.mark.parametrize("gain", [1.0, 0.25])
@pytest.mark.parametrize("seconds_in", [0.2, 0.9, 1.7])
def test_speech_is_found_to_the_sample(speech: NDArray[np.int16], gain: float, seconds_in: float) -> None:
    start = BEGAN + int(seconds_in * RATE_HZ)
    assert locate(played(speech, gain), start, start + RATE_HZ // 2, speech) == BEGAN


def test_a_lost_sample_shows(speech: NDArray[np.int16]) -> None:
    recording = np.delete(played(speech), BEGAN + RATE_HZ)
    start = BEGAN + RATE_HZ + 1600
    assert locate(recording, start, start + RATE_HZ // 2, speech) == BEGAN - 1


def test_what_was_never_sent_is_not_found(speech: NDArray[np.int16]) -> None:
    other = read_wav(CLIPS / "what_time_is_it.wav", RATE_HZ)
    assert locate(played(other), BEGAN + 3200, BEGAN + 11_200, speech) is None
    assert locate(np.zeros(RATE_HZ, np.int16), 0, RATE_HZ, speech) is None


def test_the_moment_of_yielding_is_found(speech: NDArray[np.int16]) -> None:
    down = BEGAN + 12_000
    gain = np.where(np.arange(len(speech)) < down - BEGAN, 1.0, 10 ** (-12 / 20))
    measured = gains(played(speech, gain), BEGAN, speech, BEGAN + 8000, BEGAN + 20_000)
    found = first_below(measured, 10.0)
    assert found is not None
    assert 0 <= found - down <= 80
    assert first_below(measured, 13.0) is None


def test_the_end_of_sound_is_its_last_sample(speech: NDArray[np.int16]) -> None:
    recording = np.zeros(RATE_HZ, np.int16)
    recording[4000] = 3
    recording[6000] = -2
    assert end_of_sound(recording, 1000, RATE_HZ) == 4001
    assert end_of_sound(recording, 5000, RATE_HZ) == 5000
    assert silent(recording, 4001, RATE_HZ)
    assert not silent(recording, 4000, RATE_HZ)


def test_a_missed_goal_is_printed_as_missed() -> None:
    figures: list[Figure | Share] = [
        Figure("slow", "ms", [1.0, 2.0, 99.0], "a clock", [Goal(50, 10), Goal(90, 50)]),
        Figure("fast", "ms", [1.0, 2.0, 3.0], "a clock", [Goal(99, 3)]),
        Share("often", [True] * 98 + [False] * 2, "counted", 99),
        Share("always", [True] * 3, "counted", 100),
        Figure("as it is", "MB", [1.0], "a scale"),
    ]
    verdicts = [figure.goal_state() for figure in figures]
    assert verdicts == [GoalState.MISSED, GoalState.MET, GoalState.MISSED, GoalState.MET, GoalState.NO_GOAL]
    lines = table(figures).splitlines()
    assert [line.split()[-1] for line in lines if line.startswith(("slow", "fast", "often", "always"))] == [
        "MISSED",
        "met",
        "MISSED",
        "met",
    ]
    assert all(figure.method in table(figures) for figure in figures)
    assert [figure.name for figure in missed(figures)] == ["slow", "often"]
    assert conclusion(figures).splitlines() == [
        "Goals are missed, 2 of 4:",
        "  slow: 2 ms, 99 ms, 99 ms; goal: P50 ≤ 10 ms, P90 ≤ 50 ms",
        "  often: 98.0 %, 98 of 100; goal: ≥ 99 %",
    ]
    assert conclusion(figures[1:2]) == "All goals are met, 1 of 1."


def test_a_percentile_is_a_value_that_was_measured() -> None:
    figure = Figure("", "ms", [float(n) for n in range(1, 51)], "")
    assert [figure.percentile(percent) for percent in (50, 90, 99)] == [26.0, 46.0, 50.0]


def test_the_scenes_have_as_many_trials_as_were_asked_for() -> None:
    assert sum(cue.kind is Kind.INTERRUPTION for cue in interruptions(50)) == 50
    assert sum(cue.kind is Kind.BACKCHANNEL for cue in backchannels(50)) == 50


def test_a_room_that_stood_still_goes_on_where_it_stopped() -> None:
    cues = interruptions(10)
    left = after_a_standstill(cues, said=4)
    assert left[0].kind is Kind.QUESTION
    assert left[1:] == cues[4:]
    assert after_a_standstill(cues, said=len(cues)) == [cues[0]]
