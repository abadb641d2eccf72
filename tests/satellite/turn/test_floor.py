"""How sure the recogniser is, how soft it was said and what it says count together; records say which rule decided."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interject.satellite.turn.events import (
    CancelReason,
    CancelReply,
    NotUnderstoodCue,
    Partial,
    ReplyPlayed,
    ReplyStarted,
    ReplyText,
    Resume,
    Transcribed,
)
from interject.satellite.turn.floor import Rule
from interject.satellite.turn.state import Phase
from tests.satellite.turn.drive import Drive

USER_DB = -30.0


def interrupted(ms: float = 400) -> Drive:
    """Bring a reply to a pause for an utterance that is over."""
    drive = Drive().speaking()
    drive.voice(ms)
    drive.silence(288)
    assert drive.phase() is Phase.INTERRUPTED
    return drive


def in_reply() -> Drive:
    """Bring a room to a reply whose question had the user's usual voice."""
    drive = Drive(level_db=USER_DB)
    drive.voice(800)
    drive.silence(700)
    drive.transcribe("tell me a story")
    drive.send(ReplyStarted(1))
    return drive


def rules(drive: Drive) -> list[Rule]:
    return [decided.rule for decided in drive.decisions]


@pytest.mark.parametrize(
    ("text", "confidence", "rule"),
    [
        ("order", 0.9, Rule.WORDS),
        ("order", None, Rule.WORDS),
        ("It's...", 0.4, Rule.UNSURE),
        ("Thank you.", 0.9, Rule.UNSURE),
        ("Thank you.", 0.98, Rule.WORDS),
        ("No...", 0.4, Rule.WORDS),
        ("No...", 0.3, Rule.UNSURE),
        ("I'm so sorry. I'm so sorry.", 0.91, Rule.UNSURE),
        ("Stop.", 0.4, Rule.STOP_WORD),
        ("Stop.", 0.1, Rule.UNSURE),
        ("ha ha ha ha ha", 0.99, Rule.SOUND),
        ("uh-huh", 0.99, Rule.BACKCHANNEL),
        ("", 0.99, Rule.NO_WORDS),
    ],
)
def test_words_count_for_as_much_as_the_recogniser_believes_them(
    text: str, confidence: float | None, rule: Rule
) -> None:
    drive = interrupted()
    effects = drive.transcribe(text, confidence=confidence)
    assert rules(drive) == [rule]
    (decided,) = drive.decisions
    assert (decided.said.text, decided.said.confidence, decided.said.speech_ms) == (text, confidence, 416)
    assert effects[0] == (Resume() if not rule.takes_floor else CancelReply(1, _reason(rule)))


def _reason(rule: Rule) -> CancelReason:
    return CancelReason.STOP_WORD if rule is Rule.STOP_WORD else CancelReason.SPEECH


def test_the_record_names_the_stream_that_decided_and_not_the_newest() -> None:
    drive = interrupted()
    drive.voice(96)
    drive.transcribe("what time is it", stream=1, confidence=0.9)
    assert drive.opened == [1, 2]
    assert [decided.said.stream for decided in drive.decisions] == [1]


def test_a_guess_that_is_unsure_waits_for_the_rest() -> None:
    drive = Drive().speaking()
    drive.voice(600)
    drive.send(Partial(1, "order", 0.3))
    assert not drive.all_of(CancelReply)
    drive.send(Partial(1, "order that", 0.9))
    assert drive.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]
    assert rules(drive) == [Rule.WORDS]


@pytest.mark.parametrize(("confidence", "taken"), [(0.9, True), (0.7, False), (None, False)])
def test_words_that_the_recogniser_is_sure_of_decide_as_soon_as_it_tells_them(
    confidence: float | None, taken: bool
) -> None:
    drive = Drive().speaking()
    drive.voice(300)
    drive.send(Partial(1, "turn on", confidence))
    assert bool(drive.all_of(CancelReply)) is taken
    drive.voice(300)
    assert drive.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]


@pytest.mark.parametrize(("tells", "cut_within_ms"), [(False, 1000), (True, 1600)])
def test_a_long_voice_without_words_has_more_time_where_the_recogniser_would_have_told_them(
    tells: bool, cut_within_ms: int
) -> None:
    drive = Drive()
    drive.state = replace(drive.state, tells_confidence=tells)
    drive.speaking()
    drive.voice(cut_within_ms - 200)
    assert not drive.all_of(CancelReply)
    drive.voice(300)
    assert rules(drive) == [Rule.LENGTH]


def test_a_long_voice_whose_words_are_hardly_believed_does_not_cut() -> None:
    drive = Drive().speaking()
    drive.voice(600)
    drive.send(Partial(1, "on", 0.13))
    drive.voice(3000)
    drive.silence(400)
    drive.transcribe("on", confidence=0.13)
    assert rules(drive) == [Rule.UNSURE]


def test_what_only_began_like_a_backchannel_is_none_after_a_second() -> None:
    drive = Drive().speaking()
    drive.voice(600)
    drive.send(Partial(1, "I", 0.9))
    drive.voice(400)
    assert rules(drive) == [Rule.LENGTH]


def test_laughter_does_not_cut_however_long_it_is() -> None:
    drive = Drive().speaking()
    drive.voice(600)
    drive.send(Partial(1, "ha ha ha", 0.9))
    drive.voice(3000)
    drive.silence(400)
    drive.transcribe("ha ha ha ha ha ha ha ha", confidence=0.9)
    assert not drive.all_of(CancelReply)
    assert drive.phase() is Phase.SPEAKING


@pytest.mark.parametrize(
    ("softer_db", "text", "rule"),
    [
        (5, "turn on living room lamp", Rule.WORDS),
        (5, "she will come home later", Rule.WORDS),
        (11, "turn on living room lamp", Rule.WORDS),
        (11, "she will come home later", Rule.SIDE_SPEECH),
        (20, "turn on living room lamp", Rule.SIDE_SPEECH),
        (20, "stop", Rule.STOP_WORD),
    ],
)
def test_a_soft_command_is_for_us_and_soft_talk_is_not(softer_db: float, text: str, rule: Rule) -> None:
    drive = in_reply()
    drive.level_db = USER_DB - softer_db
    drive.voice(700)
    drive.silence(288)
    drive.transcribe(text, confidence=0.9)
    assert rules(drive) == [rule]
    assert drive.decisions[0].said.softer_db == pytest.approx(softer_db, abs=0.5)


def test_a_soft_answer_to_our_question_is_for_us() -> None:
    drive = in_reply()
    drive.send(ReplyText(1, "In the kitchen or in the living room?"))
    drive.level_db = USER_DB - 11
    drive.voice(700)
    drive.silence(288)
    drive.transcribe("the kitchen", confidence=0.9)
    assert rules(drive) == [Rule.WORDS]


def test_who_was_not_understood_into_the_end_of_a_reply_is_told() -> None:
    drive = Drive().speaking()
    drive.voice(400)
    drive.send(ReplyPlayed(1))
    drive.silence(700)
    drive.send(Transcribed(1, "It's...", 0.3))
    assert drive.all_of(NotUnderstoodCue)
    assert not drive.asked
    assert rules(drive) == [Rule.UNSURE]


def test_a_knock_into_the_end_of_a_reply_is_nothing() -> None:
    drive = Drive().speaking()
    drive.voice(64)
    drive.send(ReplyPlayed(1))
    drive.silence(700)
    assert drive.phase() is Phase.IDLE
    assert not drive.all_of(NotUnderstoodCue)


def test_what_a_recogniser_makes_of_a_cough_is_asked_of_nobody() -> None:
    drive = Drive()
    drive.voice(400)
    drive.silence(700)
    drive.transcribe("Thank you.", confidence=0.2)
    assert not drive.asked
    assert rules(drive) == [Rule.UNSURE]
    assert drive.phase() is Phase.IDLE


def test_an_unclear_question_is_asked_all_the_same() -> None:
    drive = Drive()
    drive.voice(400)
    drive.silence(700)
    drive.transcribe("turn of the light", confidence=0.2)
    assert drive.asked == ["turn of the light"]
