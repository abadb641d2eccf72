"""From the first sound to the question, and the races of the field that the reducer alone decides."""

from __future__ import annotations

import pytest

from interject.satellite.turn.events import (
    AbortStt,
    Ask,
    CancelReason,
    CancelReply,
    EndStt,
    ErrorCue,
    ForgetStt,
    OfferText,
    OpenStt,
    Partial,
    Pause,
    ReplyPlayed,
    ReplyStarted,
    ReplyText,
    Resume,
    SttFailed,
    Transcribed,
    Typed,
)
from interject.satellite.turn.settings import BargeIn, TurnSettings
from interject.satellite.turn.state import Phase
from tests.satellite.turn.drive import Drive


def test_a_question_goes_through_all_phases() -> None:
    drive = Drive()
    assert drive.voice(64) == (OpenStt(1, 500.0),)
    assert drive.phase() is Phase.LISTENING
    drive.voice(900)
    end = drive.now
    drive.silence(640)
    assert drive.time_of(EndStt) - end == pytest.approx(0.536), "the VAD heard the end two windows late"
    assert drive.phase() is Phase.TRANSCRIBING
    assert drive.transcribe("what time is it") == (Ask(1, "what time is it"),)
    drive.send(ReplyText(1, "It is noon."))
    drive.send(ReplyStarted(1))
    assert drive.phase() is Phase.SPEAKING
    drive.send(ReplyPlayed(1))
    assert drive.phase() is Phase.IDLE


def test_the_silence_inside_a_question_does_not_end_it() -> None:
    drive = Drive()
    drive.voice(500)
    drive.silence(450)
    drive.voice(500)
    assert drive.kinds == ["OpenStt"]


def test_the_end_of_a_turn_needs_no_more_windows() -> None:
    """A microphone that breaks after the last word does not leave the satellite listening."""
    drive = Drive()
    drive.voice(500)
    drive.silence(300)
    drive.wait(400)
    assert drive.kinds == ["OpenStt", "EndStt"]


def test_a_knock_asks_nothing() -> None:
    drive = Drive()
    drive.voice(96)
    drive.silence(640)
    assert drive.kinds == ["OpenStt", "AbortStt"]
    assert drive.phase() is Phase.IDLE


@pytest.mark.parametrize("text", ["", "mhm", "okay"])
def test_nothing_or_a_murmur_to_an_idle_room_asks_nothing(text: str) -> None:
    drive = Drive()
    drive.voice(500)
    drive.silence(640)
    assert drive.transcribe(text) == (ForgetStt(1),)
    assert drive.phase() is Phase.IDLE


def test_a_television_does_not_hold_the_floor_for_ever() -> None:
    """core#122177: never 15 s of nothing, whatever goes on in the room."""
    drive = Drive(TurnSettings(listen_max_s=5.0))
    start = drive.now
    while not drive.asked:
        drive.voice(2000)
        drive.silence(300)
        for stream in [effect.stream for effect in drive.all_of(EndStt)]:
            drive.transcribe("and now the weather", stream)
        assert drive.now - start < 12


def test_a_server_that_ends_the_turn_itself_is_believed() -> None:
    drive = Drive()
    drive.voice(800)
    assert drive.transcribe("what time is it") == (Ask(1, "what time is it"),)
    drive.voice(300)
    assert drive.kinds == ["OpenStt", "Ask"], "the end of the same utterance is no interruption"


def test_a_typed_message_goes_with_what_is_being_said() -> None:
    drive = Drive()
    drive.voice(500)
    assert drive.send(Typed("in the kitchen")) == (EndStt(1),)
    assert drive.transcribe("turn on the light") == (Ask(1, "turn on the light in the kitchen"),)


def test_a_typed_message_survives_a_failing_recogniser() -> None:
    drive = Drive()
    drive.voice(500)
    drive.send(Typed("what time is it"))
    assert Ask(1, "what time is it") in drive.send(SttFailed(1))


def test_a_typed_stop_while_the_user_speaks_ends_the_turn() -> None:
    drive = Drive()
    drive.voice(500)
    drive.silence(640)
    drive.voice(300)
    drive.transcribe("turn on the light", 1)
    drive.send(SttFailed(2))
    drive.send(Typed("stop"))
    assert drive.phase() is Phase.IDLE
    assert drive.asked == []


def test_each_failure_of_recognition_is_heard_and_the_third_offers_text() -> None:
    drive = Drive()
    for _ in range(4):
        drive.voice(500)
        drive.send(SttFailed(drive.state.streams))
        assert drive.phase() is Phase.IDLE
        drive.silence(300)
    assert len(drive.all_of(ErrorCue)) == 4
    assert drive.all_of(OfferText) == [OfferText()]


def test_a_success_in_between_starts_the_count_anew() -> None:
    drive = Drive()
    for _ in range(3):
        for fails in (True, True, False):
            drive.voice(500)
            drive.silence(640)
            stream = drive.state.streams
            drive.send(SttFailed(stream) if fails else Transcribed(stream, ""))
    assert drive.all_of(OfferText) == []


def test_a_failure_that_is_told_twice_counts_once_and_takes_no_text_away() -> None:
    drive = Drive()
    drive.voice(500)
    drive.silence(640)
    drive.voice(300)
    drive.transcribe("turn on", 1)
    assert drive.send(SttFailed(1)) == ()
    assert drive.state.stt_failures == 0
    drive.silence(640)
    drive.transcribe("the light", 2)
    assert drive.asked == ["turn on the light"]


def test_going_on_while_we_think_makes_one_question() -> None:
    """livekit#5509: the old reply is never spoken."""
    drive = Drive().processing()
    drive.voice(500)
    drive.send(Partial(1, "about a lighthouse"))
    drive.silence(640)
    drive.transcribe("about a lighthouse")
    assert drive.all_of(CancelReply) == [CancelReply(1, CancelReason.EARLY)]
    assert drive.send(ReplyStarted(1)) == ()
    assert drive.phase() is Phase.THINKING
    assert drive.state.epoch == 2


def test_going_on_before_the_transcript_came_is_one_utterance() -> None:
    """agents-js#1791: one utterance never gets two replies."""
    drive = Drive()
    drive.voice(500)
    drive.silence(640)
    drive.voice(500)
    drive.transcribe("turn on the light", 1)
    drive.silence(640)
    drive.transcribe("in the kitchen", 2)
    assert drive.asked == ["turn on the light in the kitchen"]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_the_transcripts_of_one_turn_may_come_in_any_order(order: tuple[int, int]) -> None:
    drive = Drive()
    drive.voice(500)
    drive.silence(640)
    drive.voice(500)
    drive.silence(640)
    for stream in order:
        drive.transcribe({1: "turn on", 2: "the light"}[stream], stream)
    assert drive.asked == ["turn on the light"]


def test_mhm_pauses_at_most_and_the_speech_comes_back() -> None:
    """livekit#4039, #4243"""
    drive = Drive().speaking()
    for _ in range(5):
        drive.voice(320)
        drive.silence(256)
        drive.transcribe("mhmm")
        drive.silence(300)
    assert drive.all_of(CancelReply) == []
    assert len(drive.all_of(Pause)) == len(drive.all_of(Resume)) == 5
    assert drive.phase() is Phase.SPEAKING


def test_murmurs_over_several_seconds_do_not_add_up() -> None:
    """agents-js#3515"""
    drive = Drive().speaking()
    for text in ("yeah", "ok", "right", "uh huh", "sure", "yeah") * 3:
        drive.voice(224)
        drive.silence(320)
        drive.transcribe(text)
        drive.silence(700)
    assert drive.all_of(CancelReply) == []


def test_partials_do_not_bypass_the_minimum_duration() -> None:
    """agents-js#3515"""
    drive = Drive().speaking()
    drive.voice(160)
    assert drive.send(Partial(1, "what time")) == ()
    drive.voice(320)
    assert drive.all_of(CancelReply) == []
    drive.voice(32)
    assert drive.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]


def test_the_text_of_a_short_noise_does_not_borrow_the_length_of_another() -> None:
    """agents-js#3515"""
    drive = Drive().speaking()
    drive.voice(160)
    drive.silence(256)
    drive.voice(320)
    drive.send(Partial(2, "yeah"))
    assert drive.send(Partial(1, "the")) == ()
    assert drive.phase() is Phase.INTERRUPTED


@pytest.mark.parametrize("text", ["", None])
def test_a_cough_before_the_first_sample_does_not_lose_the_reply(text: str | None) -> None:
    """agents-js#1229; None: the recogniser says nothing at all."""
    drive = Drive().processing()
    drive.voice(320)
    drive.silence(256)
    if text is not None:
        drive.transcribe(text)
    drive.silence(5000)
    assert drive.all_of(CancelReply) == []
    assert len(drive.all_of(Resume)) == 1
    drive.send(ReplyStarted(1))
    assert drive.phase() is Phase.SPEAKING


def test_voice_without_any_transcript_does_not_stall_the_turn() -> None:
    """pipecat#5240"""
    drive = Drive()
    drive.voice(500)
    drive.silence(640)
    drive.silence(15_100)
    assert drive.phase() is Phase.IDLE
    assert drive.kinds == ["OpenStt", "EndStt", "AbortStt", "ErrorCue"]


def test_after_an_interruption_without_a_transcript_the_room_is_idle() -> None:
    """livekit#3418, #4413"""
    drive = Drive().speaking()
    drive.voice(1000)
    assert drive.all_of(CancelReply)
    drive.until_idle(0.7 + 15.1)
    assert drive.all_of(ErrorCue)


def test_a_reply_that_never_comes_is_given_up() -> None:
    drive = Drive().processing()
    drive.wait(91_000)
    assert drive.phase() is Phase.IDLE
    assert drive.kinds == ["CancelReply", "ErrorCue"]


def test_barge_in_off_takes_turns() -> None:
    drive = Drive(TurnSettings(barge_in=BargeIn.OFF))
    drive.voice(500)
    drive.silence(640)
    drive.voice(500)
    drive.transcribe("tell me a story")
    assert drive.asked == ["tell me a story"]
    drive.silence(300)
    drive.voice(500)
    drive.send(ReplyStarted(1))
    drive.silence(300)
    drive.send(ReplyPlayed(1))
    drive.voice(500)
    assert drive.phase() is Phase.LISTENING


def test_an_aborted_stream_is_never_heard_of_again() -> None:
    drive = Drive().speaking()
    drive.voice(100)
    drive.silence(256)
    assert drive.all_of(AbortStt) == [AbortStt(1)]
    before = drive.state
    for event in (Partial(1, "stop"), Transcribed(1, "stop"), SttFailed(1)):
        assert drive.send(event) == ()
    assert drive.state == before


def test_a_murmur_while_the_answer_is_awaited_does_not_become_part_of_the_question() -> None:
    drive = Drive()
    drive.voice(500)
    drive.silence(640)
    drive.voice(320)
    drive.transcribe("what is this", 1)
    drive.silence(640)
    drive.transcribe("uh huh", 2)
    assert drive.asked == ["what is this"]


def test_a_murmur_that_begins_a_question_stays() -> None:
    drive = Drive()
    drive.voice(320)
    drive.silence(640)
    drive.voice(500)
    drive.transcribe("okay", 1)
    drive.silence(640)
    drive.transcribe("what is this", 2)
    assert drive.asked == ["okay what is this"]
