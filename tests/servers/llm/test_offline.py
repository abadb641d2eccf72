"""The built-in responder."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from interject.servers.llm.engines.offline import PREFACE, STORY, OfflineResponder, answer
from interject.servers.llm.engines.spoken import date_words, number_words, parse_number, time_words
from interject.servers.llm.turns import Message, Role

NOON = datetime(2026, 11, 21, 16, 23, tzinfo=UTC)


def said(*contents: str) -> list[Message]:
    """Make a conversation that the user begins."""
    return [
        Message(Role.ASSISTANT if index % 2 else Role.USER, content, content.endswith("[INTERRUPTED]"), None, 0.0)
        for index, content in enumerate(contents)
    ]


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("What time is it?", "It is four twenty-three in the afternoon."),
        ("what's the date today", "It is Saturday, the twenty-first of November, twenty twenty-six."),
        ("what day is it", "It is Saturday."),
        ("Thank you.", "You are welcome."),
        ("count to three", "One, two, three."),
        ("Count from 8 to twelve, please", "Eight, nine, ten, eleven, twelve."),
        ("count down from three", "Three, two, one."),
        ("count from three to one", "Three, two, one."),
        ("count to a million", "I can only count between zero and one hundred."),
        ("tell me a story about a lighthouse", STORY),
        ("Tell me a long story. About a lighthouse.", STORY),
        ("tell me a story about a dog", STORY),
        ("tell me a story about dragons", PREFACE + STORY),
        ("hello, what time is it", "It is four twenty-three in the afternoon."),
        ("what time is it count to two", "One, two."),
        ("what did i say", "You have not said anything before this."),
    ],
)
def test_answers(question: str, reply: str) -> None:
    assert answer(said(question), NOON) == reply


def test_counts_to_twenty_in_sentences_of_ten() -> None:
    first, second = answer(said("count to twenty"), NOON).split(". ")
    assert first.startswith("One, two,")
    assert second.endswith("nineteen, twenty.")


def test_the_story_is_long_enough_to_be_interrupted() -> None:
    assert 150 <= len(STORY.split()) <= 230


def test_an_unknown_wish_is_refused_honestly() -> None:
    reply = answer(said("turn on the kitchen light"), NOON)
    assert "offline responder" in reply
    assert "turn on the kitchen light" in reply


def test_tells_what_the_user_said() -> None:
    assert answer(said("Count to two", "One, two.", "what did I say?"), NOON) == "You said: Count to two"


def test_tells_what_it_said_as_far_as_it_was_heard() -> None:
    reply = answer(said("tell me a story", "Once upon a time, [INTERRUPTED]", "where did you stop"), NOON)
    assert "Once upon a time" in reply
    assert "Marta" not in reply
    assert answer(said("count to two", "One, two.", "what did you say"), NOON) == "I said: One, two."


def test_goes_on_after_the_last_heard_word_again_and_again() -> None:
    heard = "Once upon a time, an old"
    more = "keeper named Marta lived"
    talk = ["tell me a story", f"{heard} [INTERRUPTED]", "go on"]
    assert answer(said(*talk), NOON) == STORY.removeprefix(heard).strip()
    talk += [f"{more} [INTERRUPTED]", "please continue the story"]
    assert answer(said(*talk), NOON) == STORY.removeprefix(f"{heard} {more}").strip()


def test_goes_on_with_a_question_in_between() -> None:
    talk = ["count to five", "One, two, [INTERRUPTED]", "thanks", "You are welcome.", "go on"]
    assert answer(said(*talk), NOON) == "three, four, five."


def test_goes_on_from_the_beginning_when_not_a_word_was_heard() -> None:
    assert answer(said("count to two", "[INTERRUPTED]", "go on"), NOON) == "One, two."


def test_has_nothing_to_go_on_with() -> None:
    assert "nobody has cut me off" in answer(said("go on"), NOON)


def test_numbers_are_read_back_as_they_are_written() -> None:
    assert [parse_number(number_words(number)) for number in range(101)] == list(range(101))
    assert parse_number("twenty one") == 21
    assert parse_number("dozens") is None


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 1, 1, 0, 0, tzinfo=UTC), "twelve o'clock in the morning"),
        (datetime(2026, 1, 1, 12, 5, tzinfo=UTC), "twelve oh five in the afternoon"),
        (datetime(2026, 1, 1, 23, 40, tzinfo=UTC), "eleven forty in the evening"),
    ],
)
def test_times(moment: datetime, words: str) -> None:
    assert time_words(moment) == words


def test_dates() -> None:
    assert date_words(datetime(2030, 5, 12, tzinfo=UTC)).endswith("the twelfth of May, twenty thirty")
    assert date_words(datetime(2005, 5, 30, tzinfo=UTC)).endswith("the thirtieth of May, two thousand five")


async def test_writes_word_by_word_at_its_pace() -> None:
    responder = OfflineResponder(words_per_second=100, think_s=0.1, clock=lambda: NOON)
    loop = asyncio.get_running_loop()
    start = loop.time()
    async with aclosing(responder.reply(said("count to ten"), "en")) as pieces:
        arrived = [(piece, loop.time() - start) async for piece in pieces]
    assert "".join(piece for piece, _ in arrived) == answer(said("count to ten"), NOON)
    assert len(arrived) == 10
    assert arrived[0][1] >= 0.1
    assert arrived[-1][1] >= 0.1 + 9 / 100


@pytest.mark.parametrize("asked", ["who are you", "open the pod bay doors"])
def test_the_way_to_a_model_is_named_as_it_is_typed(asked: str) -> None:
    flags = [flag.rstrip(".,") for flag in answer(said(asked), NOON).split() if flag.startswith("--")]
    assert flags == ["--llm-base-url", "--base-url"]
