from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.servers.stt.agreement import Agreement, Hypothesis, Word

SETTLE_S = 0.15


def said(text: str, heard_s: float, word_s: float = 0.3) -> Hypothesis:
    """Words of 0.3 s, one after the other."""
    words = tuple(Word(word, i * word_s, (i + 1) * word_s) for i, word in enumerate(text.split()))
    return Hypothesis(words, heard_s)


def stable(*hypotheses: Hypothesis) -> list[str]:
    agreement, texts = Agreement(), []
    for hypothesis in hypotheses:
        agreement = agreement.update(hypothesis, SETTLE_S)
        texts.append(agreement.text())
    return texts


def test_a_word_is_stable_when_two_hypotheses_have_it_and_another_follows() -> None:
    assert stable(said("tell", 0.3), said("tell me", 0.6), said("tell me a", 0.9)) == ["", "tell", "tell me"]


def test_the_last_word_must_have_ended_a_while_ago() -> None:
    growing, settled = said("stop", 0.35), said("stop", 0.5)
    assert stable(growing, growing) == ["", ""]
    assert stable(growing, settled) == ["", "stop"]


def test_a_word_that_changes_is_not_stable_yet() -> None:
    assert stable(said("tell me along", 2), said("tell me a long", 2), said("tell me a long", 2)) == [
        "",
        "tell me",
        "tell me a long",
    ]


def test_a_stable_word_is_never_taken_back_nor_said_twice() -> None:
    wrong = Hypothesis((Word("along", 0.0, 0.5),), 2)
    right = Hypothesis((Word("a", 0.0, 0.1), Word("long", 0.1, 0.5), Word("story", 0.5, 1.0)), 2)
    assert stable(wrong, wrong, right, right) == ["", "along", "along", "along story"]


def test_a_stable_word_that_moves_is_the_same_word() -> None:
    early = Hypothesis((Word("tell", 0.0, 0.3), Word("a", 0.3, 0.35)), 2)
    moved = Hypothesis((Word("tell", 0.0, 0.3), Word("a", 0.45, 0.5), Word("story", 0.5, 0.9)), 2)
    assert stable(early, early, moved, moved)[-1] == "tell a story"


def test_a_word_that_the_engine_is_sure_of_needs_no_second_hypothesis_and_none_after_one_that_it_is_not() -> None:
    words = [
        Word("turn", 0.0, 0.3, 0.95),
        Word("on", 0.3, 0.5, 0.9),
        Word("the", 0.5, 0.6, 0.4),
        Word("light", 0.6, 0.8, 0.9),
    ]
    agreement = Agreement().update(Hypothesis(tuple(words), 1.2), SETTLE_S)
    assert agreement.text() == "turn on"
    assert agreement.confidence() == pytest.approx(0.925)


def test_the_last_word_has_to_have_ended_however_sure_the_engine_is() -> None:
    growing = Hypothesis((Word("light", 0.0, 0.3, 0.99),), 0.35)
    assert Agreement().update(growing, SETTLE_S).text() == ""


def test_the_last_word_has_ended_when_the_voice_has_paused() -> None:
    paused = Hypothesis((Word("light", 0.0, 0.3, 0.99),), 0.35, paused=True)
    assert Agreement().update(paused, SETTLE_S).text() == "light"


def test_words_that_stay_are_as_likely_as_the_last_hypothesis_says() -> None:
    first = Hypothesis((Word("I", 0.0, 0.2, 0.8), Word("want", 0.2, 0.4, 0.3)), 0.45)
    second = Hypothesis((Word("I", 0.0, 0.2, 0.9), Word("want", 0.2, 0.4, 0.94), Word("a", 0.4, 0.6, 0.3)), 0.65)
    agreement = Agreement().update(first, SETTLE_S).update(second, SETTLE_S)
    assert agreement.text() == "I want"
    assert agreement.confidence() == pytest.approx(0.92)


def test_a_hypothesis_that_reads_otherwise_says_nothing_of_the_words_that_stay() -> None:
    first = Hypothesis((Word("I", 0.0, 0.2, 0.8), Word("want", 0.2, 0.4, 0.3)), 0.45)
    second = Hypothesis((Word("my", 0.0, 0.2, 0.1), Word("aunt", 0.2, 0.4, 0.2)), 0.65)
    assert Agreement().update(first, SETTLE_S).update(second, SETTLE_S).confidence() == pytest.approx(0.8)


WORDS = st.lists(st.sampled_from("tell me a long along story".split()), max_size=6)
HYPOTHESES = st.lists(st.tuples(WORDS, st.floats(0.1, 0.5)), max_size=12)


@given(HYPOTHESES)
def test_stable_text_only_ever_grows(drawn: list[tuple[list[str], float]]) -> None:
    texts = stable(*(said(" ".join(words), 1.0 + i, word_s) for i, (words, word_s) in enumerate(drawn)))
    for before, after in itertools.pairwise(texts):
        assert after == before or (after.startswith(before) and after[len(before)] == " ") or not before
