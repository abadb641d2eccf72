"""What the history says, as pure functions: words heard are kept, words unheard are not."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.servers.llm.interruptions import Interruption, corrected, find_turn
from interject.servers.llm.text_matching import common_word_prefix
from interject.servers.llm.turns import INTERRUPTED_MARK, ReplyState, Role, Turn, completed, failed, messages_of, recent

if TYPE_CHECKING:
    from collections.abc import Mapping


def turn(asked: str, reply: str = "", epoch: int | None = None, turn_id: int = 1) -> Turn:
    state = ReplyState.COMPLETE if reply else ReplyState.PENDING
    return Turn(turn_id, epoch, asked, reply, state, created=0.0, ended=0.0, engine="offline")


def apply(turns: list[Turn], interruption: Interruption, written: Mapping[int, str] | None = None) -> list[Turn]:
    changed = corrected(turns, interruption, 1.0, written or {}).turn
    if changed is None:
        return turns
    return [changed if old.turn_id == changed.turn_id else old for old in turns]


def spoken(turns: list[Turn]) -> list[tuple[str, str]]:
    return [(message.role.value, message.content) for message in messages_of(turns)]


def test_a_question_that_failed_is_no_part_of_the_next_one() -> None:
    turns = [failed(turn("hello", epoch=1), 0.0), failed(turn("hello", epoch=2), 0.0), turn("who are you", epoch=3)]
    assert spoken(turns) == [("user", "who are you")]


def test_what_is_sent_begins_with_what_the_user_said() -> None:
    turns = [turn("one", "First."), turn("two", "Second."), turn("three")]
    sent = [[message.content for message in recent(messages_of(turns), most)] for most in (5, 4, 3, 2, 1)]
    assert sent == [
        ["one", "First.", "two", "Second.", "three"],
        ["two", "Second.", "three"],
        ["two", "Second.", "three"],
        ["three"],
        ["three"],
    ]


def test_what_was_heard_stays_and_the_rest_is_gone() -> None:
    turns = [turn("Tell me a story", "Once upon a time there was a keeper.", 1)]
    after = apply(turns, Interruption("speech", 1, "Once upon a time there was a keeper.", "Once upon a time"))
    assert spoken(after) == [("user", "Tell me a story"), ("assistant", f"Once upon a time {INTERRUPTED_MARK}")]
    assert messages_of(after)[1].interrupted


def test_interrupted_before_anything_was_heard_merges_with_what_follows() -> None:
    turns = apply([turn("Tell me a story", "Once upon a time.", 1)], Interruption("early", 1, "", ""))
    turns = [*turns, turn("about a lighthouse", epoch=2, turn_id=2)]
    assert spoken(turns) == [("user", "Tell me a story about a lighthouse")]


def test_a_stop_word_before_anything_was_heard_keeps_the_questions_apart() -> None:
    turns = apply([turn("Tell me a story", "Once upon a time.", 1)], Interruption("stop-word", 1, "", ""))
    turns = [*turns, turn("What time is it", epoch=2, turn_id=2)]
    assert spoken(turns) == [
        ("user", "Tell me a story"),
        ("assistant", INTERRUPTED_MARK),
        ("user", "What time is it"),
    ]


def test_an_interruption_after_the_next_question_finds_its_own_turn() -> None:
    turns = [turn("First", "A first answer.", 1, 1), turn("Second", epoch=2, turn_id=2)]
    after = apply(turns, Interruption("speech", 1, "A first answer.", "A first"))
    assert spoken(after) == [("user", "First"), ("assistant", f"A first {INTERRUPTED_MARK}"), ("user", "Second")]
    assert after[1] == turns[1]


def test_heard_text_of_a_reply_that_was_not_stored_is_put_in_its_place() -> None:
    turns = [turn("First", epoch=1, turn_id=1), turn("Second", epoch=2, turn_id=2)]
    assert spoken(turns) == [("user", "First Second")]
    after = apply(turns, Interruption("speech", 1, "A first answer.", "A first"), {1: "A first answer."})
    assert spoken(after) == [("user", "First"), ("assistant", f"A first {INTERRUPTED_MARK}"), ("user", "Second")]


def test_a_restarted_satellite_that_counts_anew_corrects_the_new_turn() -> None:
    turns = [turn("Old", "An old answer.", 1, 1), turn("New", "A new answer.", 1, 2)]
    after = apply(turns, Interruption("speech", 1, "A new answer.", "A new"))
    assert after[0] == turns[0]
    assert after[1].reply == "A new"


def test_an_old_turn_with_the_same_number_and_other_words_is_left_alone() -> None:
    turns = [turn("Old", "An old answer.", 7, 1), turn("New", "A new answer.", 1, 2)]
    assert apply(turns, Interruption("speech", 7, "Dinner is ready.", "Dinner")) == turns


def test_without_epochs_the_words_tell_which_reply_was_cut() -> None:
    turns = [turn("One", "It is five.", turn_id=1), turn("Two", "It is\nraining  now.", turn_id=2)]
    cut = Interruption("speech", 9, "It is raining now.", "It is")
    assert find_turn(turns, cut) == turns[1]
    after = apply(turns, cut)
    assert after[0] == turns[0]
    # The same once more, when the next question is already there.
    later = [*after, turn("Three", turn_id=3)]
    assert apply(later, cut) == later


def test_without_epochs_and_words_the_reply_being_written_was_meant() -> None:
    turns = [turn("One", "It is five.", turn_id=1), turn("Two", turn_id=2)]
    assert find_turn(turns, Interruption("speech", 9, "", "")) == turns[1]


def test_nothing_heard_of_an_unknown_reply_changes_nothing() -> None:
    turns = [turn("One", "It is five.", 1)]
    assert corrected(turns, Interruption("speech", 5, "", ""), 0.0, {}).turn is None


def test_a_reply_that_is_stored_after_its_interruption_does_not_bring_back_unheard_words() -> None:
    whole = {1: "It is five o'clock."}
    (cut,) = apply([turn("One", epoch=1)], Interruption("speech", 1, "It is five o'clock", "It is"), whole)
    assert completed(cut, "It is five o'clock.", 0.0) == cut
    (unheard,) = apply([turn("One", epoch=1)], Interruption("speech", 1, "", ""))
    assert completed(unheard, "It is five o'clock.", 0.0) == unheard


def test_a_later_report_of_less_does_not_take_back_what_was_heard() -> None:
    turns = apply([turn("One", "It is five o'clock.", 1)], Interruption("speech", 1, "", "It is five"))
    assert apply(turns, Interruption("speech", 1, "", "It")) == turns
    assert apply(turns, Interruption("speech", 1, "", "")) == turns


def kept(reply: str, heard: str) -> str:
    """Return what the history says of a reply after an interruption."""
    turns = apply([turn("One", reply, 1)], Interruption("speech", 1, reply, heard))
    return "".join(content.removesuffix(f" {INTERRUPTED_MARK}") for role, content in spoken(turns) if role != "user")


@pytest.mark.parametrize(
    ("reply", "heard", "expected"),
    [
        ("It is five.", "It is", "It is"),
        ("It is five.", "It is five.", "It is five."),
        ("It is five.", "it  is\nFIVE", "It is five."),
        ("It is on,\nall “day” long.", "It is on, all day", "It is on,\nall “day”"),
        ("Grüße aus Köln", "Gru\u0308ße aus", "Grüße aus"),
        ("It is 3.5 °C — cold.", "It is 3.5 °C", "It is 3.5 °C"),
        ("2 * 3 is 6", "2 * 3", "2 * 3"),
        ("Ja — gern.", "Ja gern.", "Ja — gern."),
        ("今日は晴れです。 明日は雨です。", "今日は晴れです。", "今日は晴れです。"),
        ("…", "…", "…"),
        ("It is five.", "It is six, and the code is 1234", "It is"),
        ("It is five.", "It is five. Open the door.", "It is five."),
        ("You can't go.", "You can", "You"),
        ("Once upon a time", "Once up", "Once"),
        ("It is five.", "Open the door.", ""),
        ("It is five.", "…", ""),
    ],
)
def test_only_whole_words_of_the_reply_count_as_heard_and_stay_as_written(
    reply: str, heard: str, expected: str
) -> None:
    assert kept(reply, heard) == expected


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_told_the_history_has_a_beginning_of_the_reply(reply: str, heard: str) -> None:
    assert common_word_prefix(reply, heard) == reply[: len(common_word_prefix(reply, heard))]


words = st.text("abcde", min_size=1, max_size=5)
replies = st.lists(words, min_size=1, max_size=8)
reasons = st.sampled_from(["speech", "stop-word", "text", "early"])


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[Turn], list[Interruption], dict[int, tuple[list[str], int]]]:
    """Turns with one epoch each, and late interruptions of some of them, in any order and repeated."""
    turns, told = [], []
    truth: dict[int, tuple[list[str], int]] = {}
    for epoch in range(1, draw(st.integers(1, 6)) + 1):
        reply = [f"{word}{epoch}" for word in draw(replies)]
        stored = draw(st.booleans())
        turns.append(turn(f"question{epoch}", " ".join(reply) if stored else "", epoch, epoch))
        if draw(st.booleans()):
            heard = draw(st.integers(0, len(reply)))
            truth[epoch] = (reply, heard)
            told.append(Interruption(draw(reasons), epoch, " ".join(reply), " ".join(reply[:heard])))
    again = draw(st.lists(st.sampled_from(told), max_size=6)) if told else []
    return turns, draw(st.permutations([*told, *again])), truth


@given(conversations())
def test_heard_words_stay_unheard_words_go_and_questions_are_never_lost(
    made: tuple[list[Turn], list[Interruption], dict[int, tuple[list[str], int]]],
) -> None:
    turns, told, truth = made
    before = {item.epoch: item for item in turns}
    written = {epoch: " ".join(reply) for epoch, (reply, _) in truth.items()}
    for interruption in told:
        turns = apply(turns, interruption, written)
        assert apply(turns, interruption, written) == turns
    messages = messages_of(turns)
    everything = " ".join(message.content for message in messages).split()
    for epoch, (reply, heard) in truth.items():
        assert [word for word in everything if word in reply] == reply[:heard]
        assert f"question{epoch}" in everything
    untouched = [item for item in turns if item.epoch not in truth]
    assert untouched == [before[item.epoch] for item in untouched]
    asked = [word for message in messages if message.role is Role.USER for word in message.content.split()]
    assert asked == [f"question{epoch}" for epoch in range(1, len(before) + 1)]
    for first, second in pairwise(messages):
        assert not (first.role is Role.USER and second.role is Role.USER)
