from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from interject.servers.stt.grammar import words_of
from interject.servers.stt.hints import MOST_WORDS, hints_of
from interject.wire.errors import RequestError

PHRASES = st.lists(st.text("ab _,.", max_size=100), max_size=60).map(lambda some: some * 16)


def test_what_a_large_house_names_is_all_taken() -> None:
    names = [f"big lamp {number}" for number in range(300)]
    hints = hints_of(names, ["lighthouse"])
    assert (hints.names, hints.terms, hints.dropped) == (tuple(names), ("lighthouse",), 0)


def test_nothing_named_is_nothing() -> None:
    hints = hints_of(None, None)
    assert (hints.names, hints.terms, hints.dropped) == ((), (), 0)


def test_a_thousand_long_names_are_cut_and_counted() -> None:
    name = "the very old big lamp in the dining room"
    hints = hints_of([name] * 1000, None)
    assert len(hints.names) == MOST_WORDS // 9
    assert hints.dropped == 1000 - len(hints.names)


@given(PHRASES, PHRASES)
def test_never_more_words_than_an_engine_takes_and_nothing_uncounted(names: list[str], terms: list[str]) -> None:
    hints = hints_of(names, terms)
    kept = (*hints.names, *hints.terms)
    assert sum(len(words_of(phrase)) for phrase in kept) <= MOST_WORDS
    assert hints.dropped == len(names) + len(terms) - len(kept)
    assert hints.names == tuple(names[: len(hints.names)])
    assert hints.terms == tuple(terms[: len(hints.terms)])


@pytest.mark.parametrize("names", ["lamp", [5], ["a" * 101], ["a"] * 1001, {"lamp": 1}])
def test_what_is_no_list_of_names_is_told(names: object) -> None:
    with pytest.raises(RequestError, match="transcript_names"):
        hints_of(names, None)
