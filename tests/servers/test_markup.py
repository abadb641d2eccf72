"""Markdown that a model writes is neither shown nor said, however it arrives; all other text stays as it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.servers.markup import MarkupFilter, blanked, without_markup

CASES = [
    ("This is **bold**, *leaning*, __both__ and _so_ on.", "This is bold, leaning, both and so on."),
    ("# The weather\n\nIt rains.", "The weather\n\nIt rains."),
    ("- one\n- two\n  * three\n+ four", "one\ntwo\nthree\nfour"),
    ("1. First\n2. Second", "1. First\n2. Second"),
    ("> Said **she**.", "Said she."),
    ("Use `ls -l` or ```cat```.", "Use ls -l or cat."),
    ("```python\nprint(1)\n```\nDone.", "print(1)\nDone."),
    ("See [the page](https://example.com/a_b_c).", "See the page."),
    ("![A cat](cat.png) sat.", "A cat sat."),
    ("**[Here](http://x)** it is.", "Here it is."),
    ("| Day | Rain |\n|-----|:----:|\n| Monday | none |\n", "Day, Rain\nMonday, none\n"),
    ("Before\n\n---\n\nAfter", "Before\n\n\nAfter"),
    ("Great job! \U0001f389 Go on \U0001f44d\U0001f3fd.", "Great job! Go on ."),
    ("\u2705 Done, 1\ufe0f\u20e3 left", "Done, 1 left"),
    ("~~No~~ yes", "No yes"),
]
PLAIN = [
    "2 * 3 is 6, and 2*3 as well; 3 ** 2 is 9.",
    "The file is snake_case_name.txt, about ~5 kB [sic].",
    "It is -5 degrees. #1 is C#. 20 \u00b0C \u00a9 Caf\u00e9",
    "What? No! Yes: a - b > c",
    "Once upon a [INTERRUPTED]",
]


@pytest.mark.parametrize(("written", "said"), CASES)
def test_markup_is_left_out(written: str, said: str) -> None:
    assert without_markup(written) == said


@pytest.mark.parametrize("written", PLAIN)
def test_what_only_looks_like_it_stays(written: str) -> None:
    assert without_markup(written) == written
    assert blanked(written) == written


@pytest.mark.parametrize("written", [written for written, _ in CASES])
def test_for_the_voice_each_word_keeps_its_place(written: str) -> None:
    said = blanked(written)
    assert len(said) == len(written)
    assert re.findall(r"\w+", said) == re.findall(r"\w+", without_markup(written))
    assert all(written.startswith(word.group(), word.start()) for word in re.finditer(r"\w+", said))


def streamed(pieces: list[str]) -> list[str]:
    markup = MarkupFilter()
    return [*(markup.push(piece) for piece in pieces), markup.finish()]


@pytest.mark.parametrize("written", [*(written for written, _ in CASES), *PLAIN])
def test_a_stream_of_single_characters_says_the_same(written: str) -> None:
    assert "".join(streamed(list(written))) == without_markup(written)


@given(
    st.lists(
        st.text(alphabet="ab1 \n*_`~#>-+|![]().:\u2705\ufe0f\u200d", max_size=8),
        max_size=12,
    )
)
def test_how_a_text_is_divided_makes_no_difference(pieces: list[str]) -> None:
    assert "".join(streamed(pieces)) == without_markup("".join(pieces))


@given(st.text(alphabet="ab1 \n*_`~#>-+|![]().:\u2705\ufe0f\u200d"))
def test_what_is_said_has_the_length_of_what_is_written(written: str) -> None:
    assert len(blanked(written)) == len(written)


def test_a_word_is_given_at_once() -> None:
    assert streamed(["Once", " upon", " a time,", " **an", " old**", " keeper"])[:-1] == [
        "Once", " upon", " a time,", " an", " old", " keeper",
    ]  # fmt: skip
