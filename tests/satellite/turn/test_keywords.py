"""Wake words and stop words: in an idle room, in a turn, into a reply; --barge-in; the follow-up window."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interject.satellite.turn.events import (
    AbortStt,
    Ask,
    Awake,
    CancelReason,
    CancelReply,
    Duck,
    EndStt,
    ForgetStt,
    OpenStt,
    Partial,
    ReplyPlayed,
    Resume,
    StopWord,
    Unduck,
    WakeWord,
)
from interject.satellite.turn.settings import BargeIn, Judgement, TurnSettings, TurnStart
from interject.satellite.turn.state import Phase
from tests.satellite.turn.drive import Drive

WAKE = WakeWord("okay_nabu", 120.0)
BY_WAKE_WORD = TurnSettings(turn_start=TurnStart.WAKE_WORD)


def test_without_its_wake_word_a_room_takes_no_notice_of_voices() -> None:
    room = Drive(BY_WAKE_WORD)
    assert room.voice(2000) == ()
    assert room.phase() is Phase.IDLE


def test_what_follows_the_wake_word_without_a_pause_is_heard_from_the_end_of_the_word() -> None:
    room = Drive(BY_WAKE_WORD)
    room.voice(700)
    assert room.send(WAKE) == (Awake("okay_nabu"), OpenStt(1, 120.0))
    room.voice(800)
    room.silence(700)
    assert room.all_of(EndStt) == [EndStt(1)]
    room.transcribe("turn on the light")
    assert room.asked == ["turn on the light"]


@pytest.mark.parametrize("tail_ms", [0, 96, 160, 320])
def test_the_turn_waits_for_who_takes_a_breath_after_the_wake_word(tail_ms: float) -> None:
    room = Drive(BY_WAKE_WORD)
    room.send(WAKE)
    # The last sound of the word itself.
    room.voice(tail_ms)
    room.silence(3000)
    assert room.phase() is Phase.LISTENING
    room.voice(600)
    room.silence(700)
    room.transcribe("turn on the light")
    assert room.asked == ["turn on the light"]


def test_after_a_pause_a_short_command_is_understood_at_once() -> None:
    room = Drive(BY_WAKE_WORD)
    room.send(WAKE)
    room.voice(128)
    room.silence(500)
    room.voice(256)
    room.silence(700)
    room.transcribe("lights")
    assert room.asked == ["lights"]


def test_nothing_said_after_the_wake_word_ends_the_turn_silently() -> None:
    room = Drive(BY_WAKE_WORD)
    room.send(WAKE)
    room.silence(5100)
    assert room.phase() is Phase.IDLE
    assert room.kinds == ["Awake", "OpenStt", "AbortStt"]


def test_the_wake_word_said_again_begins_the_turn_anew() -> None:
    room = Drive(BY_WAKE_WORD)
    room.send(WAKE)
    room.voice(600)
    assert room.send(WAKE) == (AbortStt(1), Awake("okay_nabu"), OpenStt(2, 120.0))
    room.voice(600)
    room.silence(700)
    room.transcribe("turn on the light", 2)
    assert room.asked == ["turn on the light"]


@pytest.mark.parametrize("barge_in", [BargeIn.SPEECH, BargeIn.WAKE_WORD])
def test_the_wake_word_said_into_a_reply_cuts_it_off_and_listens(barge_in: BargeIn) -> None:
    room = Drive(TurnSettings(turn_start=TurnStart.WAKE_WORD, barge_in=barge_in)).speaking()
    room.voice(200)
    effects = room.send(WAKE)
    assert effects[0] == CancelReply(1, CancelReason.WAKE_WORD)
    assert effects[-1] == OpenStt(room.state.streams, 120.0)
    room.voice(700)
    room.silence(700)
    room.transcribe("what time is it")
    assert room.asked == ["what time is it"]


def test_in_the_wake_word_mode_a_voice_alone_does_not_even_duck() -> None:
    room = Drive(TurnSettings(turn_start=TurnStart.WAKE_WORD, barge_in=BargeIn.WAKE_WORD)).speaking()
    room.voice(3000)
    assert room.kinds == ["OpenStt"]


def test_without_a_recogniser_the_wake_word_mode_takes_no_notice_of_a_voice() -> None:
    room = Drive(TurnSettings(barge_in=BargeIn.WAKE_WORD, judgement=Judgement.DURATION)).speaking()
    assert room.voice(3000) == ()


@pytest.mark.parametrize("text", ["stop", "what time is it"])
def test_a_reply_that_is_held_as_the_mode_goes_down_plays_on_until_a_stop_word_comes(text: str) -> None:
    room = Drive().speaking()
    room.voice(300)
    assert room.phase() is Phase.INTERRUPTED
    room.settings = replace(room.settings, barge_in=BargeIn.WAKE_WORD)
    assert room.voice(32) == (Resume(),)
    assert room.phase() is Phase.SPEAKING
    room.send(Partial(1, text))
    assert bool(room.all_of(CancelReply)) is (text == "stop")


def test_a_reply_that_is_ducked_as_the_mode_goes_down_plays_on_at_full_level() -> None:
    room = Drive().speaking()
    room.voice(100)
    room.settings = replace(room.settings, barge_in=BargeIn.STOP_WORD)
    assert room.voice(32) == (Unduck(),)


def test_nothing_is_listened_for_any_more_as_the_mode_goes_to_half_duplex() -> None:
    room = Drive().speaking()
    room.voice(300)
    room.settings = replace(room.settings, barge_in=BargeIn.OFF)
    assert set(room.voice(32)) == {Resume(), AbortStt(1)}
    assert room.send(Partial(1, "stop")) == ()
    assert room.voice(3000) == ()


def test_a_question_that_goes_on_as_the_mode_goes_to_half_duplex_is_asked() -> None:
    room = Drive()
    room.voice(500)
    room.silence(700)
    room.voice(100)
    assert room.opened == [1, 2]
    room.settings = replace(room.settings, barge_in=BargeIn.OFF)
    room.silence(32)
    assert room.transcribe("what time is it", 1) == (Ask(1, "what time is it"),)


@pytest.mark.parametrize("barge_in", [BargeIn.STOP_WORD, BargeIn.OFF])
def test_in_the_lower_modes_the_wake_word_does_not_interrupt(barge_in: BargeIn) -> None:
    room = Drive(TurnSettings(turn_start=TurnStart.WAKE_WORD, barge_in=barge_in)).speaking()
    assert room.send(WAKE) == ()
    assert room.phase() is Phase.SPEAKING


@pytest.mark.parametrize("barge_in", [BargeIn.SPEECH, BargeIn.WAKE_WORD, BargeIn.STOP_WORD])
def test_the_stop_word_silences_at_once_and_begins_no_turn(barge_in: BargeIn) -> None:
    room = Drive(TurnSettings(barge_in=barge_in)).speaking()
    room.voice(100)
    effects = room.send(StopWord())
    assert effects[0] == CancelReply(1, CancelReason.STOP_WORD)
    room.voice(200)
    room.silence(2000)
    assert room.phase() is Phase.IDLE
    assert room.all_of(Ask) == []


def test_switched_off_nothing_interrupts() -> None:
    room = Drive(TurnSettings(barge_in=BargeIn.OFF)).speaking()
    assert room.send(StopWord()) == ()
    assert room.send(WAKE) == ()


def test_a_stop_word_recognised_a_moment_after_speech_took_the_floor_still_begins_no_turn() -> None:
    room = Drive(TurnSettings(judgement=Judgement.DURATION)).speaking()
    room.voice(1000)
    assert room.phase() is Phase.LISTENING
    room.send(StopWord())
    assert room.phase() is Phase.IDLE
    assert room.all_of(AbortStt)


def test_a_stop_word_recognised_a_moment_after_the_reply_was_over_begins_no_turn() -> None:
    room = Drive().speaking()
    room.voice(200)
    room.send(ReplyPlayed(1))
    assert room.phase() is Phase.LISTENING
    room.send(StopWord())
    assert room.phase() is Phase.IDLE
    room.silence(2000)
    assert room.asked == []


def test_in_a_fresh_turn_a_stop_word_is_a_command_like_any_other() -> None:
    room = Drive()
    room.voice(400)
    assert room.send(StopWord()) == ()
    assert room.phase() is Phase.LISTENING


def test_what_a_stop_word_took_back_is_forgotten_also_where_its_audio_is_kept() -> None:
    room = Drive().speaking()
    room.voice(400)
    room.silence(300)
    room.transcribe("stop")
    assert room.all_of(CancelReply) == [CancelReply(1, CancelReason.STOP_WORD)]
    room.silence(1000)
    assert room.phase() is Phase.IDLE
    assert room.all_of(ForgetStt) == [ForgetStt(1)]


def test_a_murmur_before_the_wake_word_is_forgotten() -> None:
    room = Drive(TurnSettings(turn_start=TurnStart.WAKE_WORD)).speaking()
    room.voice(200)
    assert room.all_of(Duck)
    assert AbortStt(1) in room.send(WAKE)


def test_after_an_answer_a_voice_needs_no_wake_word_for_a_while() -> None:
    room = Drive(TurnSettings(turn_start=TurnStart.WAKE_WORD, follow_up_seconds=4.0)).speaking()
    room.send(ReplyPlayed(1))
    room.silence(3000)
    room.voice(600)
    assert room.phase() is Phase.LISTENING


def test_after_the_window_it_does() -> None:
    room = Drive(TurnSettings(turn_start=TurnStart.WAKE_WORD, follow_up_seconds=4.0)).speaking()
    room.send(ReplyPlayed(1))
    room.silence(4100)
    room.voice(600)
    assert room.phase() is Phase.IDLE


def test_who_begins_to_speak_within_the_window_is_heard_though_it_then_closes() -> None:
    room = Drive(TurnSettings(turn_start=TurnStart.WAKE_WORD, follow_up_seconds=4.0)).speaking()
    room.send(ReplyPlayed(1))
    room.wait(3968)
    room.voice(600)
    assert room.phase() is Phase.LISTENING
