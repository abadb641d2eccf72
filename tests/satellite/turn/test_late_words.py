"""A paused reply waits for the words of an utterance that is over, and goes on softly when they are long in coming."""

from __future__ import annotations

import pytest

from interject.satellite.turn.events import (
    CancelReason,
    CancelReply,
    Effect,
    EndStt,
    ErrorCue,
    ForgetStt,
    Partial,
    Pause,
    Resume,
    SttFailed,
    Unduck,
)
from interject.satellite.turn.state import Phase
from tests.satellite.turn.drive import Drive


@pytest.fixture
def interrupted() -> Drive:
    drive = Drive().speaking()
    drive.voice(300)
    assert drive.phase() is Phase.INTERRUPTED
    return drive


def test_the_words_of_an_utterance_that_is_over_are_waited_for(interrupted: Drive) -> None:
    interrupted.silence(3000)
    assert interrupted.phase() is Phase.INTERRUPTED
    assert interrupted.transcribe("what time is it") == (CancelReply(1, CancelReason.SPEECH),)
    assert "Resume" not in interrupted.kinds, "it went on, and was cut again"


def test_words_that_do_not_come_let_the_reply_go_on_softly_until_they_do(interrupted: Drive) -> None:
    paused = interrupted.time_of(Pause)
    interrupted.silence(5000)
    assert interrupted.time_of(Resume) - paused == pytest.approx(0.1 + 0.256 + 4.0, abs=0.033)
    assert interrupted.kinds[-2:] == ["Resume", "Duck"]
    assert interrupted.phase() is Phase.SPEAKING
    assert interrupted.transcribe("uh-huh") == (Unduck(), ForgetStt(1))


def test_a_late_question_still_takes_the_floor(interrupted: Drive) -> None:
    interrupted.silence(5000)
    assert interrupted.transcribe("what time is it") == (CancelReply(1, CancelReason.SPEECH),)
    interrupted.silence(640)
    assert interrupted.asked == ["what time is it"]


@pytest.mark.parametrize(
    ("text", "effects"),
    [("no", (Unduck(), ForgetStt(1))), ("stop", (CancelReply(1, CancelReason.STOP_WORD),))],
)
def test_a_late_word_does_not_cut_a_second_time_unless_it_says_stop(
    interrupted: Drive, text: str, effects: tuple[Effect, ...]
) -> None:
    interrupted.silence(5000)
    assert interrupted.transcribe(text) == effects


def test_how_long_words_are_waited_for_follows_how_long_they_took(interrupted: Drive) -> None:
    interrupted.silence(256)
    interrupted.wait(900)
    assert interrupted.transcribe("uh-huh") == (Resume(), ForgetStt(1))
    interrupted.log.clear()
    interrupted.voice(300)
    interrupted.silence(5000)
    ended = interrupted.time_of(EndStt)
    assert interrupted.time_of(Resume) - ended == pytest.approx(2 * 0.9, abs=0.033)


def test_a_recogniser_that_was_ready_at_once_has_a_second_all_the_same(interrupted: Drive) -> None:
    interrupted.silence(256)
    interrupted.transcribe("uh-huh")
    interrupted.log.clear()
    interrupted.voice(800)
    interrupted.silence(5000)
    assert interrupted.time_of(Resume) - interrupted.time_of(EndStt) == pytest.approx(1.0, abs=0.033)


def test_who_goes_on_after_a_breath_does_not_end_the_wait_for_the_words_before_it(interrupted: Drive) -> None:
    interrupted.silence(1280)
    interrupted.voice(96)
    assert interrupted.phase() is Phase.INTERRUPTED
    assert interrupted.transcribe("I want a dark roast", stream=1) == (CancelReply(1, CancelReason.SPEECH),)
    assert "Resume" not in interrupted.kinds, "it went on, and was cut again"


def test_a_recogniser_that_fails_ends_the_wait(interrupted: Drive) -> None:
    interrupted.silence(5000)
    assert interrupted.send(SttFailed(1)) == (ErrorCue(), Unduck())


def test_who_speaks_again_while_words_are_late_is_heard(interrupted: Drive) -> None:
    interrupted.silence(5000)
    assert interrupted.voice(300)[-1:] == (Pause(),)
    assert interrupted.transcribe("what time is it", stream=1) == (CancelReply(1, CancelReason.SPEECH),)


def test_a_late_word_does_not_cut_a_second_time_while_it_is_a_guess_either() -> None:
    drive = Drive().speaking()
    drive.voice(700)
    drive.silence(5000)
    assert drive.kinds[-2:] == ["Resume", "Duck"]
    assert drive.send(Partial(1, "kitchen")) == ()
