from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.servers.tts.sentences import HARD_LIMIT_CHARS, SOFT_LIMIT_CHARS, SentenceSplitter, is_whole

# Text that is mostly made of what the cutting looks at.
TEXT = st.lists(
    st.sampled_from(
        [*"ab AZ39 \n\t.!?…,;:\"')]。！」，中", "Dr.", "e.g. ", "U.S. ", "etc. ", "... ", "word ", "3.5", "x" * 90]  # noqa: RUF001
    )
    | st.text(max_size=8)
).map("".join)


def split(text: str, language: str = "en-US") -> list[str]:
    splitter = SentenceSplitter(language)
    return [*splitter.push(text), *splitter.finish()]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One. ", "Two! ", "Three? ", "Four"]),
        ("It is 3.5 km e.g. by bus. Go.", ["It is 3.5 km e.g. by bus. ", "Go."]),
        ("Dr. Smith met Mrs. Jones. They left.", ["Dr. Smith met Mrs. Jones. ", "They left."]),
        ("J. R. R. Tolkien wrote it. Yes.", ["J. R. R. Tolkien wrote it. ", "Yes."]),
        ("In the U.S. it rains. Here too.", ["In the U.S. it rains. ", "Here too."]),
        ("At 10 p.m. we close. Bye.", ["At 10 p.m. we close. ", "Bye."]),
        ("It ends at 10 p.m. Then we close.", ["It ends at 10 p.m. ", "Then we close."]),
        ("See https://a.org/x?y=1. Then a.b.", ["See https://a.org/x?y=1. ", "Then a.b."]),
        ("Well... maybe. Wait… No!", ["Well... maybe. ", "Wait… ", "No!"]),
        ('He said "Go." Then he left.', ['He said "Go." ', "Then he left."]),
        ('"Stop!" he said. (Really.) Yes.', ['"Stop!" he said. ', "(Really.) ", "Yes."]),
        ("No. That is wrong.", ["No. ", "That is wrong."]),
        ("First line\nSecond line\n\nThird", ["First line\n", "Second line\n", "\nThird"]),
        ("1. Wash it. 2. Dry it.", ["1. Wash it. ", "2. Dry it."]),
        ("你好。我很好!「走吧。」他说。", ["你好。", "我很好!「走吧。」", "他说。"]),
        ("क्या हाल है। ठीक।", ["क्या हाल है। ", "ठीक।"]),
        ("Really?! Yes!!! Ok", ["Really?! ", "Yes!!! ", "Ok"]),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


def test_an_ordinal_number_of_a_language_that_writes_it_with_a_stop() -> None:
    assert split("Am 3. Mai kommt er. Gut.", "de-DE") == ["Am 3. Mai kommt er. ", "Gut."]
    assert split("You have 3. More come.", "en") == ["You have 3. ", "More come."]


@pytest.mark.parametrize("text", ["It is late. ", "Is it? ", 'He said "go." ', "A line\n", "你好。我"])
def test_a_sentence_comes_out_with_the_character_that_proves_its_end(text: str) -> None:
    splitter = SentenceSplitter()
    assert [splitter.push(character) for character in text[:-1]] == [[]] * (len(text) - 1)
    assert len(splitter.push(text[-1])) == 1


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Once upon a time, there was a keeper. One night, late, it rained.",
         ["Once upon a time,", " there was a keeper. ", "One night, late, it rained."]),
        ("Well, I do not know, really.", ["Well, I do not know,", " really."]),
        ("Yes. On the one hand, yes.", ["Yes. ", "On the one hand, yes."]),
        ("See it at https://a.org, or not.", ["See it at https://a.org,", " or not."]),
        ("At a quarter past 3, maybe.", ["At a quarter past 3, ", "maybe."]),
        ("Here it is: a story.", ["Here it is: ", "a story."]),
        ("It costs 1,250 euros, I think.", ["It costs 1,250 euros,", " I think."]),
    ],
)  # fmt: skip
def test_a_reply_begins_with_its_first_clause_and_goes_on_by_sentences(text: str, pieces: list[str]) -> None:
    assert split(text) == pieces


def test_the_first_clause_does_not_wait_for_the_sentence() -> None:
    assert SentenceSplitter().push("Once upon a time,") == ["Once upon a time,"]


def test_a_run_without_a_stop_is_cut_at_a_clause_then_at_a_word_then_anywhere() -> None:
    clauses = "and so it went, " * 40
    assert all(len(piece) <= SOFT_LIMIT_CHARS and piece.rstrip().endswith(",") for piece in split(clauses))
    words = "again and " * 60
    assert all(len(piece) <= SOFT_LIMIT_CHARS and piece.endswith(" ") for piece in split(words))
    assert [len(piece) for piece in split("x" * 1500)] == [HARD_LIMIT_CHARS, HARD_LIMIT_CHARS, 300]


@given(TEXT)
def test_no_character_is_lost_or_changed(text: str) -> None:
    assert "".join(split(text)) == text


@given(TEXT, st.lists(st.integers(1, 40), min_size=1))
def test_how_the_text_arrives_makes_no_difference(text: str, sizes: list[int]) -> None:
    splitter = SentenceSplitter("en-US")
    pieces: list[str] = []
    position = step = 0
    while position < len(text):
        size = sizes[step % len(sizes)]
        pieces += splitter.push(text[position : position + size])
        position += size
        step += 1
    assert pieces + splitter.finish() == split(text)


@given(TEXT)
def test_no_sentence_is_longer_than_its_bound(text: str) -> None:
    assert all(0 < len(piece) <= HARD_LIMIT_CHARS for piece in split(text * 5))


def test_a_piece_cut_for_its_length_is_not_whole() -> None:
    assert is_whole("Done. ")
    assert is_whole('"Done." ')
    assert is_whole("A line\n")
    assert is_whole("好。")
    assert not is_whole("and so on, ")
