"""What is wanted of the reply itself: that it waits, goes on, is said again."""

from __future__ import annotations

import pytest

from interject.satellite.turn.events import (
    Ask,
    CancelReason,
    CancelReply,
    ForgetStt,
    Partial,
    Pause,
    Resume,
    SayAgain,
    StopNow,
    Tick,
    Typed,
    WakeWord,
)
from interject.satellite.turn.floor import Rule
from interject.satellite.turn.settings import BargeIn, TurnSettings
from interject.satellite.turn.state import Phase
from tests.satellite.turn.drive import Drive


@pytest.fixture
def speaking() -> Drive:
    return Drive().speaking()


def says(drive: Drive, text: str, ms: float = 350) -> None:
    """Have an utterance transcribed after its end."""
    drive.voice(ms)
    drive.silence(300)
    drive.transcribe(text)


@pytest.fixture
def on_hold(speaking: Drive) -> Drive:
    says(speaking, "Hold on.")
    assert speaking.phase() is Phase.INTERRUPTED
    speaking.log.clear()
    return speaking


def test_wait_keeps_the_reply_paused_long_after_an_utterance_would_have_let_it_go_on(speaking: Drive) -> None:
    says(speaking, "Wait.")
    assert speaking.decisions[-1].rule is Rule.HOLD
    speaking.silence(60_000)
    assert speaking.phase() is Phase.INTERRUPTED
    assert not speaking.all_of(Resume)
    assert len(speaking.all_of(Pause)) == 1


def test_wait_that_was_understood_after_the_reply_had_gone_on_pauses_it(speaking: Drive) -> None:
    speaking.voice(350)
    speaking.silence(6_000)
    assert speaking.phase() is Phase.SPEAKING
    speaking.log.clear()
    speaking.transcribe("wait a moment")
    assert speaking.kinds == ["Pause", "ForgetStt"]
    assert speaking.phase() is Phase.INTERRUPTED


def test_go_on_ends_the_wait(on_hold: Drive) -> None:
    on_hold.silence(20_000)
    says(on_hold, "Okay, go on.")
    assert on_hold.decisions[-1].rule is Rule.GO_ON
    assert on_hold.all_of(Resume) == [Resume()]
    assert on_hold.phase() is Phase.SPEAKING
    # And it stays so.
    on_hold.silence(5_000)
    assert on_hold.phase() is Phase.SPEAKING


@pytest.mark.parametrize("text", ["uh-huh", "", "okay"])
def test_what_is_nothing_to_answer_leaves_it_waiting(on_hold: Drive, text: str) -> None:
    says(on_hold, text)
    on_hold.silence(10_000)
    assert on_hold.phase() is Phase.INTERRUPTED
    assert not on_hold.all_of(Resume)


def test_a_question_takes_the_floor_from_a_reply_that_waits(on_hold: Drive) -> None:
    on_hold.voice(600)
    on_hold.send(Partial(on_hold.state.streams, "what time is it"))
    assert on_hold.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]
    on_hold.silence(1_000)
    on_hold.transcribe("what time is it")
    assert on_hold.asked == ["what time is it"]


@pytest.mark.parametrize(
    ("event", "phase"),
    [(WakeWord("okay_nabu"), Phase.LISTENING), (StopNow(), Phase.IDLE), (Typed("what time is it"), Phase.THINKING)],
    ids=["wake word", "stop button", "typed"],
)
def test_other_ways_to_take_the_floor_are_as_ever(
    on_hold: Drive, event: WakeWord | StopNow | Typed, phase: Phase
) -> None:
    on_hold.send(event)
    assert on_hold.phase() is phase
    assert len(on_hold.all_of(CancelReply)) == 1


def test_a_wait_always_ends(on_hold: Drive) -> None:
    on_hold.wait(TurnSettings().hold_max_s * 1000)
    on_hold.send(Tick())
    assert on_hold.phase() is Phase.IDLE
    assert on_hold.all_of(CancelReply) == [CancelReply(1, CancelReason.STOP_WORD)]
    assert not on_hold.all_of(Ask)


def test_wait_before_the_first_sound_is_a_wait_too_and_the_reply_is_not_called_overdue() -> None:
    drive = Drive().processing()
    says(drive, "wait")
    drive.silence(100_000)
    assert drive.phase() is Phase.THINKING
    says(drive, "go on")
    assert drive.all_of(Resume) == [Resume()]
    drive.wait(TurnSettings().reply_timeout_s * 1000)
    assert drive.phase() is Phase.IDLE


def test_what_says_the_last_sentence_again_without_a_question(speaking: Drive) -> None:
    says(speaking, "What?")
    assert speaking.decisions[-1].rule is Rule.SAY_AGAIN
    assert speaking.kinds[-2:] == ["SayAgain", "ForgetStt"]
    assert speaking.phase() is Phase.SPEAKING
    assert not speaking.all_of(Ask)
    assert not speaking.all_of(CancelReply)


def test_what_ends_a_wait_with_the_last_sentence(on_hold: Drive) -> None:
    says(on_hold, "Sorry, what?")
    assert on_hold.all_of(SayAgain) == [SayAgain()]
    on_hold.silence(5_000)
    assert on_hold.phase() is Phase.SPEAKING


def test_what_may_yet_become_a_question(speaking: Drive) -> None:
    speaking.voice(600)
    speaking.send(Partial(1, "what"))
    assert speaking.phase() is Phase.INTERRUPTED
    speaking.send(Partial(1, "what time"))
    assert speaking.phase() is Phase.LISTENING


def test_a_word_that_the_recogniser_hardly_believes_neither_waits_nor_repeats(speaking: Drive) -> None:
    speaking.voice(350)
    speaking.silence(300)
    speaking.transcribe("what", confidence=0.3)
    assert speaking.decisions[-1].rule is Rule.UNSURE
    assert not speaking.all_of(SayAgain)


def test_where_only_stop_words_interrupt_a_reply_does_not_wait() -> None:
    drive = Drive(TurnSettings(barge_in=BargeIn.STOP_WORD)).speaking()
    says(drive, "wait")
    drive.silence(3_000)
    assert drive.phase() is Phase.SPEAKING
    assert not drive.all_of(Pause)


def test_a_reply_that_waits_forgets_what_was_said_meanwhile(on_hold: Drive) -> None:
    says(on_hold, "uh-huh")
    says(on_hold, "yeah")
    assert len(on_hold.all_of(ForgetStt)) == 2
    assert on_hold.state.segments == ()


def test_typed_words_about_the_reply_do_the_same(speaking: Drive) -> None:
    speaking.send(Typed("Wait!"))
    assert speaking.phase() is Phase.INTERRUPTED
    speaking.send(Typed("go on"))
    assert speaking.phase() is Phase.SPEAKING
    speaking.send(Typed("what?"))
    assert speaking.kinds == ["Pause", "Resume", "SayAgain"]
    speaking.send(Typed("what time is it?"))
    assert speaking.asked == ["what time is it?"]
