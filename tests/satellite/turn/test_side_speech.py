"""Somebody speaks while a reply sounds and does not mean the satellite: softer than the user, as if turned away."""

from __future__ import annotations

import pytest

from interject.satellite.turn.events import CancelReason, CancelReply, Partial, Pause, ReplyStarted, Resume
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Phase
from tests.satellite.turn.drive import Drive

USER_DB = -30.0
REQUEST = "could you pass me the salt please"


def in_reply(settings: TurnSettings | None = None) -> Drive:
    """Bring a room to a reply whose question had the user's usual voice."""
    room = Drive(settings or TurnSettings())
    room.level_db = USER_DB
    room.voice(800)
    room.silence(700)
    room.transcribe("tell me a story")
    room.send(ReplyStarted(1))
    return room


def says(room: Drive, text: str, seconds: float = 1.5) -> None:
    """Say something that the recogniser gets word by word."""
    room.voice(seconds * 600)
    stream = room.state.streams
    room.send(Partial(stream, text))
    room.voice(seconds * 400)
    room.silence(400)
    room.transcribe(text)


def test_what_is_said_to_somebody_else_is_not_for_us() -> None:
    room = in_reply()
    room.level_db = USER_DB - 8
    says(room, REQUEST)
    room.silence(1000)
    assert room.all_of(Pause)
    assert room.all_of(Resume)
    assert not room.all_of(CancelReply)
    assert room.phase() is Phase.SPEAKING


def test_the_same_words_as_loud_as_the_question_are_for_us() -> None:
    room = in_reply()
    room.level_db = USER_DB - 3
    says(room, REQUEST)
    assert room.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]


def test_a_whisper_is_soft_and_yet_for_us() -> None:
    room = in_reply()
    room.level_db, room.bright_share = USER_DB - 14, 0.7
    says(room, REQUEST)
    assert room.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]


def test_a_stop_word_is_for_us_however_soft() -> None:
    room = in_reply()
    room.level_db = USER_DB - 20
    says(room, "stop", 0.5)
    assert room.all_of(CancelReply) == [CancelReply(1, CancelReason.STOP_WORD)]


def test_who_insists_at_once_is_heard_and_who_goes_on_at_leisure_is_not() -> None:
    room = in_reply()
    room.level_db = USER_DB - 9
    for _ in range(3):
        says(room, REQUEST)
        room.silence(6000)
    assert not room.all_of(CancelReply)
    says(room, REQUEST)
    room.silence(500)
    says(room, "I said no")
    assert room.all_of(CancelReply) == [CancelReply(1, CancelReason.SPEECH)]


def test_nobody_is_an_aside_to_a_user_who_was_never_heard() -> None:
    room = Drive()
    room.speaking()
    room.level_db = -60.0
    says(room, REQUEST)
    assert [cancel.reason for cancel in room.all_of(CancelReply)] == [CancelReason.SPEECH]


@pytest.mark.parametrize("louder_db", [6.0, 20.0])
def test_one_shout_among_turns_does_not_make_the_usual_voice_an_aside(louder_db: float) -> None:
    room = in_reply()
    room.level_db = USER_DB + louder_db
    says(room, "tell me another one")
    room.silence(700)
    room.send(ReplyStarted(room.state.epoch))
    room.level_db = USER_DB
    says(room, REQUEST)
    assert len(room.all_of(CancelReply)) == 2


def test_one_louder_word_in_an_aside_does_not_make_it_ours() -> None:
    room = in_reply()
    room.level_db = USER_DB - 9
    room.voice(500)
    room.level_db = USER_DB - 4
    room.voice(600)
    room.send(Partial(room.state.streams, REQUEST))
    room.silence(400)
    room.transcribe(REQUEST)
    assert not room.all_of(CancelReply)
