"""The judge of the room's bench, on small records that are made up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from interject.satellite.aec.base import Convergence, EchoReport
from interject.satellite.frontend.frontend import Window
from interject.wire.errors import SettingError
from tools.bench.room.episodes import Episode, Stretch, episodes, speaking
from tools.bench.room.judge import answered, attributed, latencies, recovery
from tools.bench.room.judged import Latencies
from tools.bench.room.performance import Judgment
from tools.bench.room.recogniser import text_of, words_said
from tools.bench.room.settings import changed
from tools.bench.room.sound import erle_db, near_end_db
from tools.simulator.effort import Effort
from tools.simulator.levels import RATE_HZ
from tools.simulator.rendering import Label
from tools.simulator.scene import Kind


def record(kind: str, at_s: float, **fields: object) -> dict[str, Any]:
    return {"type": kind, "t": at_s, **fields}


def phase(at_s: float, name: str) -> dict[str, Any]:
    return record("phase", at_s, phase=name)


def label(start_s: float, end_s: float, text: str = "stop it now", kind: Kind = Kind.SHORT) -> Label:
    start, end = round(start_s * RATE_HZ), round(end_s * RATE_HZ)
    return Label(kind, text, "clip", "voice", Effort.NORMAL, 0, start, end, -30.0)


def test_a_pause_that_takes_the_floor_is_an_episode_and_ends_the_speaking() -> None:
    records = [
        phase(1.0, "speaking"),
        record("duck", 2.1),
        phase(2.3, "interrupted"),
        record("pause", 2.3),
        phase(2.6, "listening"),
        record("interrupt", 2.6, reason="speech"),
    ]
    assert episodes(records, 9.0) == (Episode(2.1, paused_s=2.3, committed_s=2.6),)
    assert speaking(records, 9.0) == (Stretch(1.0, 2.3),)


def test_what_comes_back_is_an_episode_of_its_own() -> None:
    records = [
        phase(1.0, "speaking"),
        record("duck", 2.0),
        record("unduck", 2.4),
        record("duck", 3.0),
        phase(3.2, "interrupted"),
        record("pause", 3.2),
        phase(4.0, "speaking"),
        record("resume", 4.0),
    ]
    ducked, paused = episodes(records, 9.0)
    assert (ducked.paused_s, ducked.hole_s) == (None, 0.0)
    assert paused.hole_s == pytest.approx(0.8)
    assert speaking(records, 9.0) == (Stretch(1.0, 3.2), Stretch(4.0, 9.0))


def test_what_happens_before_a_reply_is_heard_and_what_others_cancel_is_no_episode() -> None:
    records = [
        phase(1.0, "thinking"),
        record("pause", 1.2),
        record("resume", 1.5),
        phase(2.0, "speaking"),
        record("interrupt", 3.0, reason="text"),
    ]
    assert not episodes(records, 9.0)


def test_an_episode_belongs_to_the_sound_it_began_in_or_just_behind() -> None:
    first, second = label(2.0, 3.0), label(3.5, 4.0)
    before, within, behind, at_the_next, long_after = (Episode(at_s) for at_s in (1.9, 2.1, 3.4, 3.6, 4.8))
    heard, left = attributed([first, second], [before, within, behind, at_the_next, long_after])
    assert heard == [(first, [within, behind]), (second, [at_the_next])]
    assert left == [before, long_after]


def test_who_speaks_into_a_duck_that_nobody_caused_is_who_stops_the_reply() -> None:
    said = label(2.0, 3.0)
    duck, stopped_before, stopped_at_once = Episode(1.9), Episode(1.7, paused_s=1.95), Episode(1.8, paused_s=2.05)
    for nobodys in (duck, stopped_before, stopped_at_once):
        assert attributed([said], [nobodys]) == ([(said, [])], [nobodys])
    theirs, other = Episode(1.9, paused_s=2.3, committed_s=2.6), Episode(6.0)
    heard, left = attributed([said], [theirs, other])
    assert heard == [(said, [theirs])]
    assert left == [Episode(1.9, resumed_s=2.0), other]
    found = latencies(2.0, [theirs], *sounds(1.95, 2.33))
    assert found.duck_s is None
    assert found.pause_s == pytest.approx(0.3)
    assert found.commit_s == pytest.approx(0.6)


def sounds(ducked_s: float, silent_s: float) -> tuple[Any, Any]:
    """Return a loudspeaker that goes down and silent at given times, and what it would have played."""
    reference = np.random.default_rng(1).integers(-8000, 8000, 4 * RATE_HZ).astype(np.int16)
    loudspeaker = reference.copy()
    loudspeaker[round(ducked_s * RATE_HZ) :] //= 4
    loudspeaker[round(silent_s * RATE_HZ) :] = 0
    return loudspeaker, reference


def test_latencies_are_taken_from_the_loudspeaker() -> None:
    loudspeaker, reference = sounds(2.12, 2.33)
    found = latencies(2.0, [Episode(2.1, paused_s=2.31, committed_s=2.6)], loudspeaker, reference)
    assert found.duck_s == pytest.approx(0.12, abs=0.005)
    assert found.silence_s == pytest.approx(0.33, abs=0.001)
    assert found.pause_s == pytest.approx(0.31)
    assert found.commit_s == pytest.approx(0.6)


def test_the_pause_that_lasted_counts() -> None:
    loudspeaker, reference = sounds(2.1, 3.1)
    caused = [Episode(2.05, paused_s=2.3, resumed_s=2.5), Episode(2.9, paused_s=3.08, committed_s=3.4)]
    found = latencies(2.0, caused, loudspeaker, reference)
    assert found.duck_s == pytest.approx(0.1, abs=0.006)
    assert found.pause_s == pytest.approx(1.08)
    assert found.silence_s == pytest.approx(1.1, abs=0.001)


def test_a_duck_into_a_pause_of_the_reply_counts_from_where_it_began() -> None:
    loudspeaker, reference = sounds(2.0, 4.0)
    for signal in (loudspeaker, reference):
        signal[round(1.9 * RATE_HZ) : round(2.3 * RATE_HZ)] = 0
    found = latencies(2.0, [Episode(2.1, resumed_s=3.0)], loudspeaker, reference)
    assert found.duck_s == pytest.approx(0.1)
    assert found.pause_s is None


def test_nothing_that_happened_has_no_latency() -> None:
    assert latencies(2.0, [], np.zeros(1, np.int16), np.zeros(1, np.int16)) == Latencies()


def test_a_question_is_answered_if_its_end_is_noticed_in_time() -> None:
    assert answered([record("phase", 0.6), record("ask", 4.9)], 4.0)
    assert not answered([record("ask", 30.5)], 4.0)
    assert not answered([record("typed", 5.0), record("ask", 5.0)], 4.0)
    assert not answered([], 4.0)


def judgments(states: list[tuple[float, Convergence]], until_s: float) -> list[Judgment]:
    """Return windows of 100 ms that hold each state until the next one begins."""
    found = []
    for number in range(round(until_s * 10)):
        at_s = number / 10
        state = [convergence for since_s, convergence in states if since_s <= at_s][-1]
        found.append(Judgment(Window(0.0, False, round(at_s * RATE_HZ), -60.0), EchoReport(True, state), None, None))
    return found


def test_recovery_is_the_playback_until_it_is_converged_for_good() -> None:
    converged, recovering = Convergence.CONVERGED, Convergence.RECOVERING
    states = [(0.0, converged), (5.5, recovering), (6.5, converged), (7.0, recovering), (8.0, converged)]
    spoken = [Stretch(0.0, 6.0), Stretch(7.0, 20.0)]
    assert recovery(5.0, judgments(states, 12.0), spoken).playback_s == pytest.approx(2.0)
    assert recovery(5.0, judgments([(0.0, converged)], 12.0), spoken).playback_s == pytest.approx(0.0, abs=0.1)
    assert recovery(5.0, judgments([(0.0, converged), (5.5, recovering)], 12.0), spoken).playback_s is None


def test_the_recogniser_has_the_words_whose_sound_it_has() -> None:
    words = words_said([label(1.0, 4.0, "stop it now"), label(6.0, 7.0, "cough", Kind.COUGH), label(8.0, 9.0, "yes")])
    assert [(word.text, word.start_frame / RATE_HZ, word.end_frame / RATE_HZ) for word in words] == [
        ("stop", 1.0, 2.0),
        ("it", 2.0, 3.0),
        ("now", 3.0, 4.0),
        ("yes", 8.0, 9.0),
    ]
    assert text_of(words, round(1.4 * RATE_HZ), round(3.9 * RATE_HZ)) == "stop it"
    assert text_of(words, round(1.6 * RATE_HZ), 9 * RATE_HZ) == "it now yes"


def test_levels_of_what_is_kept() -> None:
    people = np.random.default_rng(1).normal(0, 0.1, RATE_HZ).astype(np.float32)
    halved = np.rint(people * 16_384).astype(np.int16)
    assert near_end_db(people, halved, [slice(1000, 9000)]) == pytest.approx(-6.0, abs=0.1)
    for frames in (96, 128, 320):
        late = np.concatenate([np.zeros(frames, np.int16), halved])
        assert near_end_db(people, late, [slice(1000, 9000), slice(12_000, 15_990)]) == pytest.approx(-6.0, abs=0.1)
    too_late = np.concatenate([np.zeros(400, np.int16), halved])
    lost_db = near_end_db(people, too_late, [slice(1000, 9000)])
    assert lost_db is not None
    assert lost_db < -20
    assert near_end_db(people, halved, []) is None
    everywhere = np.ones(RATE_HZ, np.bool_)
    assert erle_db(halved, (halved // 10).astype(np.int16), everywhere) == pytest.approx(20, abs=0.5)
    assert erle_db(halved, halved, ~everywhere) is None


def test_any_setting_can_be_set() -> None:
    turn, hearing = changed(["trigger_windows=3", "commit-speech-ms=700.5", "judgement=duration", "auto_gain=5"])
    assert (turn.trigger_windows, turn.commit_speech_ms, turn.judgement.value) == (3, 700.5, "duration")
    assert hearing.auto_gain == 5


@pytest.mark.parametrize("assignment", ["volume=3", "trigger_windows=few", "judgement=taste", "auto_gain=90"])
def test_a_setting_that_cannot_be_is_named(assignment: str) -> None:
    with pytest.raises(SettingError, match=assignment.partition("=")[0]):
        changed([assignment])
