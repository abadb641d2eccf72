"""The duplex mode that can be kept: down for each reason, up again, and no flapping."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest

from interject.satellite.aec.base import Convergence, EchoReport
from interject.satellite.duplex.modes import DuplexMode, ModeState, Reason, cut_off_for_nothing, observe, settings_for
from interject.satellite.duplex.statistics import Observation
from interject.satellite.turn.settings import BargeIn, TurnSettings

# Twice as long as a satellite takes in at a time: nothing here depends on it, and all of it takes half as long.
BLOCK_S = 0.2
# What the Kalman canceller says at 10 dB of echo, and what a loudness guard says of a room.
GOOD = EchoReport(
    playing=True,
    convergence=Convergence.CONVERGED,
    echo_db=-2.0,
    erle_db=20.0,
    residual_dbfs=-40.0,
    noise_dbfs=-55.0,
    delay_ms=40.0,
)
LOST = replace(GOOD, convergence=Convergence.RECOVERING)
STARTING = replace(GOOD, convergence=Convergence.STARTING, delay_ms=None)
# Many a loudspeaker is never followed any better than this.
LOCATED = replace(STARTING, delay_ms=40.0)
LOUD_ROOM = EchoReport(playing=True, convergence=Convergence.CONVERGED, echo_db=-20.0)
PLAYED = 10 ** (-20 / 10)
USER = 10 ** (-35 / 10)


class Life:
    """A satellite that plays reply after reply, and remembers each change of its duplex mode."""

    def __init__(self) -> None:
        self.state = ModeState()
        self.now_s = 0.0
        self.changes: list[tuple[DuplexMode, Reason | None]] = []

    @property
    def mode(self) -> DuplexMode:
        return self.state.mode

    def hears(
        self,
        seconds: float,
        report: EchoReport,
        *,
        mic_db: float = -22.0,
        user_power: float = USER,
        clips: bool = False,
        live: bool = True,
    ) -> Life:
        for _ in range(math.ceil(seconds / BLOCK_S)):
            self.now_s += BLOCK_S
            before = self.state
            self.state = observe(
                before, Observation(self.now_s, report, 10 ** (mic_db / 10), PLAYED, user_power, clips, live)
            )
            if self.state.mode is not before.mode:
                self.changes.append((self.state.mode, self.state.reason))
        return self

    def rests(self, seconds: float = 1.0) -> Life:
        return self.hears(seconds, replace(GOOD, playing=False), live=False)

    def residual(self, above_user_db: float, seconds: float = 20.0) -> Life:
        return self.hears(seconds, replace(GOOD, residual_dbfs=-35.0 + above_user_db))

    def until_it_goes_up(self, report: EchoReport) -> float:
        """Play replies of 5 s until the duplex mode is better; returns how much playback that took."""
        changes = len(self.changes)
        for played in itertools.count(1):
            self.hears(5.0, report).rests()
            if len(self.changes) > changes:
                return played * 5.0
            assert played < 1000
        raise AssertionError


def test_a_canceller_that_copes_keeps_speech() -> None:
    assert Life().hears(2.0, STARTING).hears(60.0, GOOD).changes == []


@pytest.mark.parametrize(
    ("above_user_db", "mode"), [(5.0, DuplexMode.SPEECH), (14.0, DuplexMode.WORDS), (20.0, DuplexMode.HALF_DUPLEX)]
)
def test_what_the_canceller_leaves_is_weighed_against_the_user_s_voice(above_user_db: float, mode: DuplexMode) -> None:
    life = Life().residual(above_user_db)
    assert life.mode is mode
    assert life.state.reason is (None if mode is DuplexMode.SPEECH else Reason.RESIDUAL)


def test_while_nobody_knows_how_loud_the_user_is_what_is_left_is_no_reason() -> None:
    assert Life().hears(30.0, replace(GOOD, residual_dbfs=-20.0), user_power=0.0).mode is DuplexMode.SPEECH


def test_what_is_left_below_the_noise_is_no_reason() -> None:
    whisper = 10 ** (-75 / 10)
    assert Life().hears(30.0, replace(GOOD, residual_dbfs=-54.0), user_power=whisper).mode is DuplexMode.HALF_DUPLEX
    assert Life().hears(30.0, replace(GOOD, residual_dbfs=-56.0), user_power=whisper).mode is DuplexMode.SPEECH


def test_one_loud_sentence_while_the_filter_still_learns_is_no_reason() -> None:
    life = Life().hears(3.0, STARTING).hears(4.0, replace(GOOD, residual_dbfs=-15.0)).hears(30.0, GOOD)
    assert life.changes == []


def test_a_canceller_that_does_not_find_the_path_leaves_words() -> None:
    life = Life().hears(6.0, STARTING)
    assert life.mode is DuplexMode.SPEECH
    assert life.hears(4.0, STARTING).changes == [(DuplexMode.WORDS, Reason.NOT_CONVERGED)]


def test_a_loudspeaker_that_no_filter_follows_keeps_speech_once_its_delay_is_known() -> None:
    assert Life().hears(6.0, STARTING).hears(60.0, LOCATED).changes == []


def test_pauses_are_no_time_in_which_a_path_could_be_found() -> None:
    life = Life()
    for _ in range(5):
        life.hears(1.0, STARTING).rests(20.0)
    assert life.mode is DuplexMode.SPEECH


def test_a_delay_that_jumps_again_and_again_leaves_words() -> None:
    life = Life()
    for delay_ms in (40.0, 90.0, 140.0, 60.0):
        life.hears(9.0, replace(GOOD, delay_ms=delay_ms)).hears(1.0, replace(LOST, delay_ms=delay_ms))
    assert life.mode is DuplexMode.SPEECH
    assert life.hears(5.0, replace(GOOD, delay_ms=200.0)).changes == [(DuplexMode.WORDS, Reason.UNSTEADY)]


def test_a_filter_that_gives_the_same_path_up_again_and_again_keeps_speech() -> None:
    life = Life()
    for _ in range(20):
        life.hears(4.0, GOOD).hears(1.0, LOST)
    assert life.changes == []


def test_clocks_that_drift_apart_keep_speech() -> None:
    life = Life()
    for second in range(120):
        life.hears(1.0, replace(GOOD, delay_ms=40.0 + 0.12 * second))
    assert life.changes == []


def test_a_delay_that_jumps_now_and_then_keeps_speech() -> None:
    life = Life()
    for number in range(10):
        life.hears(25.0, replace(GOOD, delay_ms=40.0 + 10 * number))
    assert life.changes == []


@pytest.mark.parametrize(
    ("echo_db", "mode"), [(-31.0, DuplexMode.SPEECH), (-29.0, DuplexMode.WORDS), (-5.0, DuplexMode.HALF_DUPLEX)]
)
def test_without_a_canceller_the_echo_itself_decides(echo_db: float, mode: DuplexMode) -> None:
    assert Life().hears(20.0, replace(LOUD_ROOM, echo_db=echo_db)).mode is mode


def test_headphones_keep_speech_though_a_canceller_finds_no_path() -> None:
    nonsense = replace(STARTING, echo_db=-12.0, erle_db=-15.0, residual_dbfs=-22.0)
    assert Life().hears(60.0, nonsense, mic_db=-55.0).changes == []
    assert Life().hears(60.0, replace(LOUD_ROOM, echo_db=-60.0), user_power=1e-7).changes == []


def test_a_headset_whose_microphone_gives_nothing_while_nobody_speaks_keeps_speech() -> None:
    assert Life().hears(60.0, STARTING, mic_db=-math.inf).changes == []


def test_headphones_are_known_also_while_somebody_talks_for_a_while() -> None:
    life = Life()
    for _ in range(6):
        life.hears(4.0, STARTING, mic_db=-35.0).hears(4.0, STARTING, mic_db=-60.0)
    assert life.changes == []


def test_two_voices_that_said_nothing_leave_words_and_one_does_not() -> None:
    life = Life().hears(10.0, GOOD)
    life.state = cut_off_for_nothing(life.state, life.now_s)
    assert life.hears(20.0, GOOD).mode is DuplexMode.SPEECH
    life.state = cut_off_for_nothing(life.state, life.now_s)
    assert life.rests().changes == [(DuplexMode.WORDS, Reason.EMPTY_CUTS)]


def test_two_coughs_with_ten_minutes_between_them_keep_speech() -> None:
    life = Life()
    for _ in range(2):
        life.state = cut_off_for_nothing(life.state, life.now_s)
        life.rests(600.0)
    assert life.changes == []


def test_a_microphone_that_clips_on_our_own_voice_leaves_half_duplex_and_a_slammed_door_does_not() -> None:
    life = Life().hears(10.0, GOOD).hears(1.0, GOOD, clips=True).hears(20.0, GOOD)
    assert life.changes == []
    assert life.hears(5.0, GOOD, clips=True).changes == [(DuplexMode.HALF_DUPLEX, Reason.CLIPPING)]


def test_a_user_who_shouts_while_nothing_plays_is_no_clipping_of_ours() -> None:
    life = Life().hears(30.0, replace(GOOD, playing=False), clips=True)
    assert life.changes == []


def test_a_level_that_wobbles_by_3_db_about_the_limit_changes_the_mode_once() -> None:
    life = Life()
    for wobble_db in itertools.islice(itertools.cycle((-1.5, 1.5)), 20):
        life.residual(12.0 + wobble_db, seconds=8.0).rests()
    assert life.changes == [(DuplexMode.WORDS, Reason.RESIDUAL)]
    echoing = Life()
    for wobble_db in itertools.islice(itertools.cycle((-1.5, 1.5)), 20):
        echoing.hears(8.0, replace(LOUD_ROOM, echo_db=-30.0 + wobble_db)).rests()
    assert echoing.changes == [(DuplexMode.WORDS, Reason.ECHO)]


def test_a_level_that_is_hardly_better_is_no_reason_to_go_up() -> None:
    life, echoing = Life().residual(14.0), Life().hears(5.0, LOUD_ROOM)
    for _ in range(20):
        life.residual(10.5, seconds=10.0).rests()
        echoing.hears(10.0, replace(LOUD_ROOM, echo_db=-32.0)).rests()
    assert (life.mode, echoing.mode) == (DuplexMode.WORDS, DuplexMode.WORDS)


def test_playback_that_tells_nothing_of_the_echo_is_no_proof_that_it_is_better() -> None:
    life = Life().residual(14.0)
    for _ in range(20):
        life.hears(6.0, STARTING).hears(1.0, GOOD).rests()
    assert life.mode is DuplexMode.WORDS


def test_voices_that_said_nothing_are_forgiven_after_good_playback() -> None:
    life = Life().hears(10.0, GOOD)
    for _ in range(2):
        life.state = cut_off_for_nothing(life.state, life.now_s)
    assert life.rests().until_it_goes_up(GOOD) <= 40.0


def test_after_enough_good_playback_it_is_speech_again_and_not_before() -> None:
    life = Life().residual(14.0)
    assert 20.0 <= life.until_it_goes_up(GOOD) <= 40.0
    assert life.changes[-1] == (DuplexMode.SPEECH, None)


def test_silence_is_no_proof_that_it_is_better() -> None:
    assert Life().residual(14.0).rests(600.0).mode is DuplexMode.WORDS


def test_half_duplex_goes_up_one_step_at_a_time() -> None:
    life = Life().residual(20.0)
    life.until_it_goes_up(GOOD)
    assert life.mode is DuplexMode.WORDS
    life.until_it_goes_up(GOOD)
    assert [mode for mode, _ in life.changes] == [DuplexMode.HALF_DUPLEX, DuplexMode.WORDS, DuplexMode.SPEECH]


def test_it_goes_up_between_replies_alone() -> None:
    life = Life().residual(14.0).hears(120.0, GOOD)
    assert life.mode is DuplexMode.WORDS
    assert life.rests(0.1).mode is DuplexMode.SPEECH


def test_each_relapse_makes_it_wait_longer_up_to_a_limit_until_it_has_been_good_for_long() -> None:
    life = Life().residual(14.0)
    waits = []
    for _ in range(7):
        waits.append(life.until_it_goes_up(GOOD))
        life.residual(14.0)
        assert life.mode is DuplexMode.WORDS
    assert waits[0] < waits[1] < waits[2]
    assert waits[-1] == waits[-2] <= 350.0
    life.until_it_goes_up(GOOD)
    life.hears(150.0, GOOD).residual(14.0)
    assert life.until_it_goes_up(GOOD) <= waits[0]


@pytest.mark.parametrize("chosen", BargeIn)
def test_a_mode_grants_no_more_than_the_user_does(chosen: BargeIn) -> None:
    settings = TurnSettings(barge_in=chosen, commit_speech_ms=800.0)
    allowed = {mode: settings_for(mode, settings).barge_in for mode in DuplexMode}
    assert allowed[DuplexMode.SPEECH] is chosen
    assert allowed[DuplexMode.WORDS] is (BargeIn.WAKE_WORD if chosen is BargeIn.SPEECH else chosen)
    assert allowed[DuplexMode.HALF_DUPLEX] is BargeIn.OFF
    assert settings_for(DuplexMode.WORDS, settings).commit_speech_ms == 800.0
