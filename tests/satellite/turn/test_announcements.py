"""Announcements, rings and the mute switch; and what interrupts where no recogniser can be asked."""

from __future__ import annotations

import pytest

from interject.satellite.turn.events import (
    AbortStt,
    Announce,
    Announced,
    Awake,
    CancelReason,
    CancelReply,
    Duck,
    ListenNow,
    Muted,
    OpenStt,
    Pause,
    ReplyPlayed,
    ReplyStarted,
    Resume,
    RingOnce,
    StartRing,
    StopNow,
    StopWord,
    TimerFinished,
    WakeWord,
)
from interject.satellite.turn.settings import BargeIn, Endpointing, Judgement, TurnSettings, TurnStart
from interject.satellite.turn.state import Phase
from tests.satellite.turn.drive import Drive

BY_DURATION = TurnSettings(judgement=Judgement.DURATION)


def announcing(settings: TurnSettings | None = None) -> Drive:
    room = Drive(settings or TurnSettings())
    room.send(Announced())
    room.send(ReplyStarted(1))
    return room


def ringing(settings: TurnSettings | None = None) -> Drive:
    room = Drive(settings or TurnSettings())
    room.send(TimerFinished())
    room.send(ReplyStarted(1))
    return room


def test_an_announcement_plays_in_an_idle_room() -> None:
    room = announcing()
    assert room.all_of(Announce) == [Announce(1)]
    assert room.phase() is Phase.SPEAKING
    room.send(ReplyPlayed(1))
    assert room.phase() is Phase.IDLE


def test_an_announcement_takes_the_place_of_a_reply() -> None:
    room = Drive().speaking()
    assert room.send(Announced()) == (CancelReply(1, CancelReason.ANNOUNCEMENT), Announce(2))


def test_an_announcement_takes_the_floor_from_the_user() -> None:
    room = Drive()
    room.voice(400)
    assert room.send(Announced()) == (AbortStt(1), Announce(1))


def test_a_voice_ducks_an_announcement_and_words_cut_it_off() -> None:
    room = announcing()
    room.voice(100)
    assert room.all_of(Duck)
    room.voice(900)
    assert room.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]
    room.silence(700)
    room.transcribe("what was that")
    assert room.asked == ["what was that"]


def test_a_timer_rings_until_its_sound_is_over() -> None:
    room = ringing()
    assert room.all_of(StartRing) == [StartRing(1)]
    room.send(ReplyPlayed(1))
    assert room.phase() is Phase.IDLE


@pytest.mark.parametrize("barge_in", list(BargeIn))
def test_any_speech_ends_a_ring_and_asks_nothing(barge_in: BargeIn) -> None:
    room = ringing(TurnSettings(barge_in=barge_in))
    room.voice(600)
    room.silence(1000)
    assert room.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]
    assert room.phase() is Phase.IDLE
    assert room.opened == []


@pytest.mark.parametrize("barge_in", list(BargeIn))
def test_a_stop_word_ends_a_ring(barge_in: BargeIn) -> None:
    room = ringing(TurnSettings(barge_in=barge_in))
    assert room.send(StopWord()) == (CancelReply(1, CancelReason.STOP_WORD),)
    assert room.phase() is Phase.IDLE


def test_a_wake_word_ends_a_ring_and_listens() -> None:
    room = ringing(TurnSettings(turn_start=TurnStart.WAKE_WORD, barge_in=BargeIn.OFF))
    room.send(WakeWord("okay_nabu"))
    assert room.all_of(CancelReply) == [CancelReply(1, CancelReason.WAKE_WORD)]
    assert room.phase() is Phase.LISTENING


def test_a_conversation_that_was_going_on_when_a_timer_finished_is_no_answer_to_the_ring() -> None:
    room = Drive(TurnSettings(turn_start=TurnStart.WAKE_WORD))
    room.voice(600)
    room.send(TimerFinished())
    room.voice(600)
    assert not room.all_of(CancelReply)
    room.silence(300)
    room.voice(600)
    assert room.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]


def test_a_timer_that_finishes_during_a_reply_sounds_once_and_rings_after_it() -> None:
    room = Drive().speaking()
    assert room.send(TimerFinished()) == (RingOnce(),)
    assert room.phase() is Phase.SPEAKING
    room.send(ReplyPlayed(1))
    room.silence(32)
    assert room.all_of(StartRing) == [StartRing(2)]


def test_a_ring_that_made_way_for_an_announcement_goes_on_after_it() -> None:
    room = ringing()
    room.send(Announced())
    room.send(ReplyStarted(2))
    room.send(ReplyPlayed(2))
    room.silence(32)
    assert room.all_of(StartRing) == [StartRing(1), StartRing(3)]


def test_who_mutes_while_speaking_is_not_answered() -> None:
    room = Drive()
    room.voice(600)
    assert room.send(Muted()) == (AbortStt(1),)
    room.silence(3000)
    assert room.phase() is Phase.IDLE
    assert room.asked == []


def test_a_reply_that_was_paused_when_the_microphone_went_off_plays_on() -> None:
    room = Drive().speaking()
    room.voice(400)
    assert room.phase() is Phase.INTERRUPTED
    assert Resume() in room.send(Muted())
    assert room.phase() is Phase.SPEAKING


def test_without_words_a_long_utterance_takes_the_floor() -> None:
    room = Drive(BY_DURATION).speaking()
    room.voice(928)
    assert room.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]
    assert room.phase() is Phase.LISTENING


def test_without_words_a_short_sentence_takes_the_floor_when_it_ends() -> None:
    room = Drive(BY_DURATION).speaking()
    room.voice(600)
    assert room.phase() is Phase.INTERRUPTED
    room.silence(300)
    assert room.phase() is Phase.LISTENING
    assert not room.all_of(AbortStt), "the turn goes on with what was said"


def test_without_words_an_uh_huh_pauses_and_resumes() -> None:
    room = Drive(BY_DURATION).speaking()
    room.voice(430)
    room.silence(300)
    assert room.phase() is Phase.SPEAKING
    assert [kind for kind in room.kinds if kind != "Duck"] == ["OpenStt", "Pause", "AbortStt", "Resume"]


def test_without_words_what_is_much_softer_than_the_user_s_last_turn_does_not_take_the_floor() -> None:
    room = Drive(BY_DURATION)
    room.level_db = -25.0
    room.voice(800)
    room.silence(700)
    room.transcribe("tell me a story")
    room.send(ReplyStarted(1))
    room.level_db = -45.0
    room.voice(2500)
    room.silence(700)
    assert not room.all_of(CancelReply)
    assert room.all_of(Pause)
    assert room.phase() is Phase.SPEAKING
    room.level_db = -30.0
    room.voice(1000)
    assert room.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]


def answered_at(level_db: float, settings: TurnSettings = BY_DURATION) -> Drive:
    """Bring a room to a reply whose question had this level."""
    room = Drive(settings)
    room.level_db = level_db
    if settings.turn_start is TurnStart.WAKE_WORD:
        room.send(WakeWord("okay_nabu"))
    room.voice(800)
    room.silence(700)
    room.transcribe("tell me a story")
    room.send(ReplyStarted(1))
    return room


def test_who_shouted_the_question_and_now_speaks_as_usual_interrupts_by_insisting() -> None:
    room = answered_at(-15.0)
    room.level_db = -35.0
    attempts = 0
    while not room.all_of(CancelReply):
        attempts += 1
        assert attempts <= 3, "locked out"
        room.voice(1000)
        room.silence(1000)
    assert attempts == 3


def test_one_shout_does_not_make_the_usual_voice_an_aside() -> None:
    room = answered_at(-35.0)
    room.send(ReplyPlayed(1))
    room.level_db = -15.0
    room.voice(800)
    room.silence(700)
    room.transcribe("tell me another one")
    room.send(ReplyStarted(2))
    room.level_db = -35.0
    room.voice(1000)
    assert room.all_of(CancelReply) == [CancelReply(2, CancelReason.SPEECH)]


@pytest.mark.parametrize("speech_ms", [100, 400])
def test_a_television_that_talks_through_the_end_of_a_reply_has_not_said_the_wake_word(speech_ms: float) -> None:
    room = answered_at(-20.0, TurnSettings(judgement=Judgement.DURATION, turn_start=TurnStart.WAKE_WORD))
    room.level_db = -45.0
    room.voice(speech_ms)
    room.send(ReplyPlayed(1))
    room.voice(2000)
    room.silence(1000)
    assert room.phase() is Phase.IDLE
    assert len(room.all_of(AbortStt)) == 1


def test_where_home_assistant_ends_the_turn_silence_does_not() -> None:
    room = Drive(TurnSettings(endpointing=Endpointing.HOME_ASSISTANT))
    room.voice(800)
    room.silence(5000)
    assert room.phase() is Phase.LISTENING
    room.transcribe("turn on the light")
    assert room.asked == ["turn on the light"]


def test_who_asks_for_it_is_listened_to_as_after_a_wake_word() -> None:
    room = Drive(TurnSettings(turn_start=TurnStart.WAKE_WORD))
    assert room.send(ListenNow()) == (Awake(""), OpenStt(1, 0.0))
    room.voice(800)
    room.silence(700)
    room.transcribe("turn on the light")
    assert room.asked == ["turn on the light"]


def test_a_turn_that_was_asked_for_and_does_not_come_is_given_up() -> None:
    room = Drive()
    room.send(ListenNow())
    room.silence(5100)
    assert room.phase() is Phase.IDLE
    assert room.all_of(AbortStt) == [AbortStt(1)]
    assert not room.asked


@pytest.mark.parametrize("barge_in", list(BargeIn))
def test_who_asks_to_be_listened_to_cuts_a_reply_off(barge_in: BargeIn) -> None:
    room = Drive(TurnSettings(barge_in=barge_in)).speaking()
    room.send(ListenNow())
    assert room.all_of(CancelReply) == [CancelReply(1, CancelReason.WAKE_WORD)]
    assert room.phase() is Phase.LISTENING


@pytest.mark.parametrize("barge_in", list(BargeIn))
def test_stop_silences_a_reply_and_begins_no_turn(barge_in: BargeIn) -> None:
    room = Drive(TurnSettings(barge_in=barge_in)).speaking()
    assert room.send(StopNow()) == (CancelReply(1, CancelReason.STOP_WORD),)
    assert room.phase() is Phase.IDLE


def test_stop_ends_a_ring_and_a_reply_that_is_awaited() -> None:
    room = ringing()
    assert room.send(StopNow()) == (CancelReply(1, CancelReason.STOP_WORD),)
    room = Drive().processing()
    assert room.send(StopNow()) == (CancelReply(1, CancelReason.STOP_WORD),)
    assert room.phase() is Phase.IDLE


def test_stop_takes_back_what_the_user_is_saying() -> None:
    room = Drive()
    room.voice(400)
    assert room.send(StopNow()) == (AbortStt(1),)
    room.silence(1000)
    assert room.phase() is Phase.IDLE
    assert not room.asked


def test_stop_changes_nothing_in_an_idle_room() -> None:
    room = Drive()
    assert room.send(StopNow()) == ()
    assert room.phase() is Phase.IDLE
