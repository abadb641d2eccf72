"""What a recogniser heard of ourselves is taken out of what the user said, and no more."""

from __future__ import annotations

import pytest

from interject.satellite.conversation.echo_words import EchoWords
from interject.satellite.conversation.playback import ReplyRecord
from interject.wire.events import WordMark

WORD_MS = 500.0


def reply(text: str) -> ReplyRecord:
    """Return a reply of two words a second."""
    record = ReplyRecord(1, 16_000, text=text)
    record.marks = [WordMark(word, n * WORD_MS, (n + 1) * WORD_MS) for n, word in enumerate(text.split())]
    return record


def heard_of(text: str, heard: str, opened_ms: float, position_ms: float) -> str:
    ours = EchoWords()
    ours.opened(1, opened_ms)
    ours.follow(1, reply(text), position_ms)
    return ours.without_ours(1, heard)


STORY = "The ship did not stop. It sailed on and on, until the captain saw a light on the coast and turned"


@pytest.mark.parametrize(
    ("heard", "theirs"),
    [
        ("it did not stop", ""),
        ("did not stop stop", "stop"),
        ("Stop!", ""),
        ("please be quiet", "please be quiet"),
        ("on and on", ""),
        ("on and on and on", "and on"),
    ],
)
def test_each_word_of_ours_is_taken_out_as_often_as_it_was_said(heard: str, theirs: str) -> None:
    assert heard_of(STORY, heard, 1000.0, 5000.0) == theirs


def test_a_word_that_was_said_long_before_the_stream_began_is_the_user_s() -> None:
    assert heard_of(STORY, "stop", 7000.0, 8000.0) == "stop"


def test_a_word_that_was_said_since_the_stream_began_stays_ours_however_late_its_text_comes() -> None:
    assert heard_of(STORY, "did not stop", 500.0, 9000.0) == ""


def test_a_text_without_our_words_stays_as_it_was_written() -> None:
    assert heard_of(STORY, "What time, please?", 1000.0, 3000.0) == "What time, please?"


def test_a_stream_that_was_opened_in_no_reply_keeps_every_word() -> None:
    ours = EchoWords()
    ours.follow(1, reply(STORY), 2000.0)
    assert ours.without_ours(1, "stop") == "stop"


def test_where_the_server_sent_no_marks_the_words_are_estimated() -> None:
    ours = EchoWords()
    ours.opened(1, 0.0)
    record = ReplyRecord(1, 16_000, text=STORY, audio_ms=9000.0)
    ours.follow(1, record, 1500.0)
    assert ours.without_ours(1, "did not stop") == ""
