"""From a playback position to the words that the user heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.satellite.audio.heard import Completeness, estimate_marks, heard_text, rewind_ms, sentence_start_ms
from interject.wire.events import WordMark

WORD_MS = 300.0
GAP_MS = 50.0


def marks_for(*words: str) -> tuple[WordMark, ...]:
    """Give each word 300 ms and 50 ms of silence after it."""
    step = WORD_MS + GAP_MS
    return tuple(WordMark(word, k * step, k * step + WORD_MS) for k, word in enumerate(words))


def end_of(count: int) -> float:
    """Return when the first `count` words are over."""
    return count * (WORD_MS + GAP_MS) - GAP_MS


words = st.lists(
    st.sampled_from("a the cat, sat. on ON it's 3.5 (well) über — no! no".split()), min_size=1, max_size=25
)
separators = st.sampled_from([" ", "  ", "\n", " \n\t"])


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, tuple[WordMark, ...]]:
    """Draw a text with odd white space, and exact marks for it."""
    tokens = draw(words)
    text = draw(st.sampled_from(["", " "])) + "".join(token + draw(separators) for token in tokens)
    return text, marks_for(*text.split())


def test_heard_is_the_text_as_written_up_to_the_last_finished_word() -> None:
    text = "Well,  once upon\na time — there was (only) one."
    marks = marks_for(*text.split())

    assert heard_text(text, marks, end_of(5)) == "Well,  once upon\na time"
    assert heard_text(text, marks, end_of(6) + 1) == "Well,  once upon\na time"
    assert heard_text(text, marks, 1e9) == text


def test_a_word_counts_when_it_is_over_and_not_before() -> None:
    marks = marks_for("One", "two")

    assert heard_text("One two", marks, end_of(1) - 0.1) == ""
    assert heard_text("One two", marks, end_of(1)) == "One"


@given(texts(), st.floats(0, 10_000))
def test_heard_is_a_beginning_of_the_text_that_grows_with_the_position(
    drawn: tuple[str, tuple[WordMark, ...]], position_ms: float
) -> None:
    text, marks = drawn
    earlier, later = heard_text(text, marks, position_ms / 2), heard_text(text, marks, position_ms)

    assert text.startswith(later)
    assert later.startswith(earlier)


@given(texts(), st.integers(0, 30))
def test_with_exact_marks_nothing_unheard_is_claimed_and_nothing_heard_is_missing(
    drawn: tuple[str, tuple[WordMark, ...]], count: int
) -> None:
    text, marks = drawn
    spoken = [token for token in text.split()[:count] if token != "—"]

    heard = [token for token in heard_text(text, marks, end_of(count)).split() if token != "—"]

    assert heard == spoken


@given(texts(), st.sets(st.integers(0, 24), max_size=5), st.integers(0, 30))
def test_marks_that_lack_words_never_claim_a_word_whose_time_has_not_come(
    drawn: tuple[str, tuple[WordMark, ...]], missing: set[int], count: int
) -> None:
    # Distinct words: of two equal ones, nobody could say which mark is missing.
    text = " ".join(f"{word}{k}" for k, word in enumerate(drawn[0].split()) if word != "—")
    marks = marks_for(*text.split())
    kept = [mark for k, mark in enumerate(marks) if k not in missing]

    assert len(heard_text(text, kept, end_of(count)).split()) <= count


@pytest.mark.parametrize(
    ("text", "spoken", "finished", "heard"),
    [
        ("It costs $5 now, sir.", ("It", "costs", "five", "now", "sir"), 3, "It costs $5"),
        ("It costs $5 now, sir.", ("It", "costs", "five", "dollars", "now", "sir"), 3, "It costs"),
        ("It costs $5 now, sir.", ("It", "costs", "five", "dollars", "now", "sir"), 5, "It costs $5 now,"),
        ("Come at 3 p.m. or so.", ("Come", "at", "3 p.m.", "or", "so."), 3, "Come at 3 p.m."),
        ("Yes 👍 I do — really.", ("Yes", "I", "do", "really."), 2, "Yes 👍 I"),
        ("I have 5 pears. I have five pears.", ("I", "have", "five", "pears"), 4, "I have 5 pears."),
        ("**Bold** and `code`", ("Bold", "and", "code"), 2, "**Bold** and"),
        ("Go now to the old house home.", ("Go", "home."), 2, "Go"),
        ("one two three", ("uno", "dos", "tres"), 3, ""),
    ],
)
def test_marks_that_differ_from_the_text(text: str, spoken: tuple[str, ...], finished: int, heard: str) -> None:
    assert heard_text(text, marks_for(*spoken), end_of(finished)) == heard


def test_marks_that_have_not_all_come_yet_tell_of_what_they_cover() -> None:
    text = "one two three four five six"

    assert heard_text(text, marks_for("one", "two", "three"), 1e9) == "one two three"
    assert heard_text(text, (), 1e9) == ""


def test_estimated_marks_share_the_audio_by_characters() -> None:
    marks = estimate_marks("  I understand, yes ", 1700, Completeness.COMPLETE)

    assert [mark.text for mark in marks] == ["I", "understand,", "yes"]
    assert marks[0].start_ms == 0
    assert marks[-1].end_ms == pytest.approx(1700)
    assert marks[1].end_ms - marks[1].start_ms == pytest.approx(1100)


def test_estimated_marks_of_unfinished_audio_assume_15_characters_a_second() -> None:
    text = "x" * 14 + " " + "y" * 15

    marks = estimate_marks(text, 300, Completeness.PARTIAL)

    assert marks[-1].end_ms == pytest.approx(2000)
    assert heard_text(text, marks, 1000) == "x" * 14


def test_estimated_marks_of_unfinished_audio_are_no_faster_than_the_audio_shows() -> None:
    marks = estimate_marks("x" * 15, 5000, Completeness.PARTIAL)

    assert marks[-1].end_ms == pytest.approx(5000)


def test_there_is_nothing_to_estimate_without_words() -> None:
    assert estimate_marks(" \n", 1000, Completeness.COMPLETE) == ()


def test_rewind_goes_to_the_start_of_the_word_that_sounds() -> None:
    marks = marks_for("one", "two")

    assert rewind_ms(marks, 350 + 120) == 120
    assert rewind_ms(marks, 350) == 0


def test_rewind_is_limited_and_0_between_words_or_where_nothing_is_known() -> None:
    marks = (WordMark("supercalifragilistic", 0, 2000), WordMark("yes", 2200, 2400))

    assert rewind_ms(marks, 1500) == 400
    assert rewind_ms(marks, 1500, limit_ms=100) == 100
    assert rewind_ms(marks, 2100) == 0
    assert rewind_ms(marks, 9000) == 0
    assert rewind_ms((), 100) == 0


@pytest.mark.parametrize(
    ("words_heard", "begins_with"),
    [(0, 0), (1, 0), (3, 0), (4, 3), (6, 3), (7, 6), (8, 6)],
)
def test_a_sentence_begins_after_the_end_of_the_one_before(words_heard: int, begins_with: int) -> None:
    text = 'He came in. "Who is it?" she asked'
    marks = marks_for(*text.split())
    heard_ms = end_of(words_heard) if words_heard else 0.0
    begins_ms = end_of(begins_with) if begins_with else 0.0
    assert sentence_start_ms(text, marks, heard_ms) == begins_ms


def test_without_marks_a_text_is_said_again_from_its_beginning() -> None:
    assert sentence_start_ms("One. Two.", (), 500.0) == 0.0
