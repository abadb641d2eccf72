"""The rows of the barge-in table: duck, release, pause, commit, resume."""

from __future__ import annotations

import pytest

from interject.satellite.turn.events import (
    AbortStt,
    Ask,
    CancelReason,
    CancelReply,
    Duck,
    EndStt,
    ErrorCue,
    ForgetStt,
    OpenStt,
    Partial,
    Pause,
    ReplyFailed,
    ReplyPlayed,
    ReplyStarted,
    ReplyText,
    Resume,
    SttFailed,
    Typed,
    Unduck,
)
from interject.satellite.turn.settings import BargeIn, TurnSettings
from interject.satellite.turn.state import Phase
from tests.satellite.turn.drive import Drive


@pytest.fixture
def speaking() -> Drive:
    return Drive().speaking()


@pytest.fixture
def interrupted(speaking: Drive) -> Drive:
    speaking.voice(300)
    assert speaking.phase() is Phase.INTERRUPTED
    return speaking


def test_a_window_of_voice_ducks_and_opens_a_stream_with_pre_roll(speaking: Drive) -> None:
    assert speaking.voice(32) == (OpenStt(1, 300.0, into_reply=True), Duck())
    assert speaking.phase() is Phase.SPEAKING


def test_a_voice_that_the_echo_guard_knows_as_ours_does_nothing(speaking: Drive) -> None:
    for _ in range(50):
        assert speaking.window(0.95, is_echo=True) == ()


def test_what_ends_before_it_is_confirmed_un_ducks(speaking: Drive) -> None:
    speaking.voice(128)
    assert speaking.silence(256) == (AbortStt(1), Unduck())
    assert speaking.phase() is Phase.SPEAKING


def test_a_short_word_is_transcribed_while_the_reply_goes_on(speaking: Drive) -> None:
    speaking.voice(160)
    assert speaking.silence(256) == (EndStt(1), Unduck())
    assert speaking.transcribe("stop") == (CancelReply(1, CancelReason.STOP_WORD),)


def test_a_fifth_of_a_second_of_speech_pauses(speaking: Drive) -> None:
    start = speaking.now
    speaking.voice(192)
    assert speaking.phase() is Phase.INTERRUPTED
    assert speaking.time_of(Pause) - start == pytest.approx(0.192)
    assert speaking.kinds == ["OpenStt", "Duck", "Pause"]


@pytest.mark.parametrize("text", ["what time", "no"])
def test_a_stable_word_that_is_no_backchannel_commits_what_is_longer_than_one(interrupted: Drive, text: str) -> None:
    assert interrupted.send(Partial(1, text)) == (), "so far it may be an uh-huh, misheard"
    interrupted.voice(200)
    assert interrupted.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]
    assert interrupted.phase() is Phase.LISTENING
    interrupted.voice(300)
    assert interrupted.opened == [1], "the same stream goes on"


def test_a_misheard_uh_huh_does_not_commit_by_its_first_guess(interrupted: Drive) -> None:
    interrupted.voice(100)
    interrupted.send(Partial(1, "the head"))
    interrupted.silence(256)
    assert interrupted.transcribe("uh-huh") == (Resume(), ForgetStt(1))


@pytest.mark.parametrize(("text", "reason"), [("no", CancelReason.SPEECH), ("stop", CancelReason.STOP_WORD)])
def test_a_short_word_commits_when_it_is_final(interrupted: Drive, text: str, reason: CancelReason) -> None:
    interrupted.silence(256)
    assert interrupted.transcribe(text) == (CancelReply(1, reason),)
    assert interrupted.phase() is Phase.LISTENING


def test_a_stop_word_commits_at_once(interrupted: Drive) -> None:
    assert interrupted.send(Partial(1, "stop")) == (CancelReply(1, CancelReason.STOP_WORD),)
    assert interrupted.phase() is Phase.LISTENING
    assert interrupted.phase() is Phase.LISTENING
    interrupted.voice(500)
    assert interrupted.opened == [1], "the same stream goes on"


def test_a_stop_word_commits_before_the_pause(speaking: Drive) -> None:
    speaking.voice(160)
    assert speaking.send(Partial(1, "stop")) == (CancelReply(1, CancelReason.STOP_WORD),)


def test_long_speech_commits_whatever_it_says(speaking: Drive) -> None:
    start = speaking.now
    speaking.voice(960)
    assert speaking.time_of(CancelReply) - start == pytest.approx(0.9, abs=0.033)
    assert speaking.phase() is Phase.LISTENING


def test_a_long_backchannel_gets_longer(speaking: Drive) -> None:
    speaking.voice(300)
    speaking.send(Partial(1, "mm-hm yeah right"))
    speaking.voice(900)
    assert speaking.phase() is Phase.INTERRUPTED
    speaking.voice(320)
    assert speaking.phase() is Phase.LISTENING


def test_a_backchannel_resumes(interrupted: Drive) -> None:
    assert interrupted.silence(256) == (EndStt(1),)
    assert interrupted.transcribe("uh-huh") == (Resume(), ForgetStt(1))
    assert interrupted.phase() is Phase.SPEAKING


def test_a_noise_without_words_resumes(interrupted: Drive) -> None:
    interrupted.silence(256)
    assert interrupted.transcribe("") == (Resume(), ForgetStt(1))


def test_a_yes_to_a_question_is_an_answer(speaking: Drive) -> None:
    speaking.send(ReplyText(1, "Shall I go on?"))
    speaking.voice(520)
    assert speaking.send(Partial(1, "yes")) == (CancelReply(1, CancelReason.SPEECH),)


def test_the_question_after_a_commit_is_asked_under_a_new_epoch(interrupted: Drive) -> None:
    interrupted.send(Partial(1, "what time"))
    interrupted.voice(500)
    interrupted.silence(640)
    assert interrupted.transcribe("what time is it") == (Ask(2, "what time is it"),)
    assert interrupted.phase() is Phase.THINKING


def test_a_stop_is_followed_by_silence(interrupted: Drive) -> None:
    interrupted.send(Partial(1, "stop"))
    interrupted.silence(640)
    assert interrupted.transcribe("stop") == (ForgetStt(1),)
    assert interrupted.phase() is Phase.IDLE


def test_typing_takes_the_floor_at_once(interrupted: Drive) -> None:
    assert interrupted.send(Typed("and in french")) == (
        CancelReply(1, CancelReason.TEXT),
        AbortStt(1),
        Ask(2, "and in french"),
    )


def test_a_typed_stop_only_stops(speaking: Drive) -> None:
    assert speaking.send(Typed("stop")) == (CancelReply(1, CancelReason.STOP_WORD),)
    assert speaking.phase() is Phase.IDLE


def test_before_the_first_sample_a_voice_holds_the_reply() -> None:
    drive = Drive().processing()
    assert drive.voice(64) == (OpenStt(1, 500.0, into_reply=True), Pause())
    assert drive.phase() is Phase.THINKING
    drive.send(ReplyStarted(1))
    assert drive.phase() is Phase.INTERRUPTED, "never speaking and silent"


def test_before_the_first_sample_more_speech_asks_anew() -> None:
    drive = Drive().processing()
    drive.voice(520)
    assert drive.send(Partial(1, "about a lighthouse")) == (CancelReply(1, CancelReason.EARLY),)
    drive.silence(640)
    drive.transcribe("about a lighthouse")
    assert drive.asked == ["about a lighthouse"]


def test_a_noise_that_is_never_dense_ducks_for_a_moment_only(speaking: Drive) -> None:
    """A dishwasher must not keep a reply quiet for its whole length."""
    for number in range(200):
        speaking.window(0.9 if number % 7 < 2 else 0.02)
    assert [kind for kind in speaking.kinds if "Stt" not in kind] == ["Duck", "Unduck"]


def test_a_voice_out_of_such_a_noise_still_interrupts(speaking: Drive) -> None:
    for number in range(100):
        speaking.window(0.9 if number % 7 < 2 else 0.02)
    speaking.voice(300)
    assert speaking.phase() is Phase.INTERRUPTED
    assert speaking.kinds[-2:] == ["OpenStt", "Pause"]


def test_such_a_noise_before_the_first_sample_does_not_hold_the_reply_for_ever() -> None:
    drive = Drive().processing()
    for number in range(60):
        drive.window(0.9 if number % 7 < 2 else 0.02)
    assert drive.time_of(Resume) - drive.time_of(Pause) <= 1.5 + 0.033


def test_without_speech_recognition_length_alone_decides_and_the_user_hears_why(speaking: Drive) -> None:
    speaking.voice(300)
    assert speaking.send(SttFailed(1)) == (ErrorCue(),)
    speaking.voice(550)
    assert speaking.phase() is Phase.INTERRUPTED
    speaking.voice(100)
    assert speaking.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]
    assert speaking.opened == [1, 2], "it is tried again with the rest"


def test_without_speech_recognition_a_short_noise_passes(interrupted: Drive) -> None:
    interrupted.send(SttFailed(1))
    assert interrupted.silence(256) == (Resume(),)
    assert interrupted.opened == [1], "the same utterance opens no second stream"


def test_a_text_that_never_comes_is_given_up(speaking: Drive) -> None:
    speaking.voice(192)
    speaking.silence(256)
    speaking.silence(15_000)
    assert AbortStt(1) in speaking.all_of(AbortStt)
    assert ErrorCue() in speaking.all_of(ErrorCue)
    assert speaking.state.segments == ()


@pytest.mark.parametrize("mode", [BargeIn.WAKE_WORD, BargeIn.STOP_WORD, BargeIn.OFF])
def test_lower_modes_take_no_notice_of_speech(mode: BargeIn) -> None:
    drive = Drive(TurnSettings(barge_in=mode)).speaking()
    drive.voice(3000)
    drive.silence(300)
    if drive.opened:
        drive.transcribe("once upon a time there was a lighthouse")
    assert not {"Duck", "Pause", "CancelReply"} & set(drive.kinds)
    assert drive.phase() is Phase.SPEAKING


@pytest.mark.parametrize("mode", [BargeIn.WAKE_WORD, BargeIn.STOP_WORD])
def test_the_modes_of_words_stop_at_a_stop_word(mode: BargeIn) -> None:
    drive = Drive(TurnSettings(barge_in=mode)).speaking()
    drive.voice(300)
    assert drive.send(Partial(1, "stop")) == (CancelReply(1, CancelReason.STOP_WORD),)


def test_off_opens_no_stream_into_a_reply() -> None:
    drive = Drive(TurnSettings(barge_in=BargeIn.OFF)).speaking()
    drive.voice(1000)
    assert drive.kinds == []


@pytest.mark.parametrize("mode", [BargeIn.WAKE_WORD, BargeIn.STOP_WORD, BargeIn.OFF])
def test_lower_modes_do_not_answer_the_end_of_their_own_reply(mode: BargeIn) -> None:
    """wyoming-satellite#23, #25: these duplex modes are for rooms where the microphone hears the loudspeaker."""
    drive = Drive(TurnSettings(barge_in=mode)).speaking()
    drive.voice(2000)
    drive.send(ReplyPlayed(1))
    drive.voice(200)
    assert drive.phase() is Phase.IDLE
    assert drive.state.segments == ()
    drive.silence(300)
    drive.voice(100)
    assert drive.phase() is Phase.LISTENING, "whoever speaks after it is heard"


def test_who_speaks_as_the_reply_ends_has_the_floor(speaking: Drive) -> None:
    speaking.voice(100)
    assert speaking.send(ReplyPlayed(1)) == (Unduck(),)
    assert speaking.phase() is Phase.LISTENING
    speaking.voice(500)
    speaking.silence(640)
    assert speaking.opened == [1]
    assert speaking.transcribe("what time is it") == (Ask(2, "what time is it"),)


def test_a_backchannel_to_the_last_word_is_not_a_question(speaking: Drive) -> None:
    speaking.voice(200)
    speaking.send(ReplyPlayed(1))
    speaking.silence(640)
    speaking.transcribe("mhm")
    assert speaking.asked == []
    assert speaking.phase() is Phase.IDLE


@pytest.mark.parametrize("over_ms", [0, 400])
def test_a_stop_to_the_last_word_is_not_a_question(speaking: Drive, over_ms: float) -> None:
    speaking.voice(200)
    speaking.silence(over_ms)
    speaking.send(ReplyPlayed(1))
    speaking.silence(640)
    speaking.transcribe("stop")
    assert speaking.asked == []
    assert speaking.phase() is Phase.IDLE


def test_a_reply_that_breaks_off_is_spoken_as_far_as_it_came_and_then_the_user_is_told(speaking: Drive) -> None:
    assert speaking.send(ReplyFailed(1)) == ()
    assert speaking.send(ReplyPlayed(1)) == (CancelReply(1, CancelReason.FAILED), ErrorCue())
    assert speaking.phase() is Phase.IDLE


def test_a_reply_that_fails_before_its_first_sample_is_told_at_once() -> None:
    drive = Drive().processing()
    assert drive.send(ReplyFailed(1)) == (CancelReply(1, CancelReason.FAILED), ErrorCue())
    assert drive.phase() is Phase.IDLE


def test_nothing_of_an_old_epoch_changes_anything(interrupted: Drive) -> None:
    """pipecat#3986, agents-js#1791"""
    interrupted.send(Partial(1, "stop"))
    before = interrupted.state
    for event in (ReplyText(1, "more?"), ReplyStarted(1), ReplyPlayed(1), ReplyFailed(1)):
        assert interrupted.send(event) == ()
    assert interrupted.state == before


def test_own_voice_windows_still_let_an_utterance_end(speaking: Drive) -> None:
    speaking.voice(300)
    for _ in range(8):
        speaking.window(0.9, is_echo=True)
    assert EndStt(1) in speaking.all_of(EndStt)
