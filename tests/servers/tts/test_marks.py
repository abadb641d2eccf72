from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from interject.servers.tts.engines.piper_reader import (
    Spoken,
    chars_of_words,
    estimated_marks,
    marks_of,
    spoken_words,
)
from interject.servers.tts.marks import WordStart, estimated_groups, group_all, marks_until_next, shifted
from interject.wire.events import WordMark

RATE_HZ = 1000

STARTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5000)), max_size=20).map(
    lambda items: [WordStart(char, sample) for char, sample in items]
)
WORDS = st.lists(st.text("ab.é😀-", min_size=1, max_size=6), max_size=12).map(" ".join)


def texts(text: str, *words: tuple[int, int]) -> list[tuple[str, int]]:
    groups = group_all(text, [WordStart(char, sample) for char, sample in words])
    return [(group.text, group.start_sample) for group in groups]


def test_several_spoken_words_in_one_token_are_one_mark() -> None:
    assert texts("paid 3.5 now", (0, 0), (5, 10), (6, 20), (6, 30), (9, 40)) == [("paid", 0), ("3.5", 10), ("now", 40)]


def test_tokens_that_are_spoken_as_one_are_one_mark() -> None:
    assert texts("in the house", (0, 0), (7, 10)) == [("in the", 0), ("house", 10)]


def test_a_token_without_sound_goes_with_the_word_before_it_or_at_the_start_after_it() -> None:
    assert texts("well — then", (0, 0), (7, 10)) == [("well —", 0), ("then", 10)]
    assert texts("- one", (2, 0)) == [("- one", 0)]
    assert texts("...") == [("...", 0)]


def test_a_word_reported_behind_its_token_belongs_to_it() -> None:
    assert texts("a 😀 ok", (0, 0), (2, 10), (3, 20), (4, 30)) == [("a", 0), ("😀", 10), ("ok", 30)]


@given(WORDS, STARTS)
def test_no_token_is_lost_and_time_never_goes_back(text: str, starts: list[WordStart]) -> None:
    groups = group_all(text, starts)
    assert " ".join(group.text for group in groups).split() == text.split()
    marks = marks_until_next(groups, 6000, RATE_HZ)
    times = [time for mark in marks for time in (mark.start_ms, mark.end_ms)]
    assert times == sorted(times)


@given(WORDS, st.integers(0, 10_000))
def test_an_estimate_covers_the_audio_in_proportion_to_the_characters(text: str, total: int) -> None:
    groups = estimated_groups(text, total)
    assert [group.text for group in groups] == text.split()
    marks = marks_until_next(groups, total, RATE_HZ)
    assert all(mark.end_ms <= total for mark in marks)
    assert not marks or (marks[0].start_ms, marks[-1].end_ms) == (0, total)


def test_an_estimate_follows_espeak_where_it_can() -> None:
    marks = estimated_marks("a bcd", [WordStart(0, 0), WordStart(2, 30)], 60, 1000, RATE_HZ)
    assert marks == (WordMark("a", 0, 500), WordMark("bcd", 500, 1000))


def test_punctuation_and_pauses_are_no_part_of_a_word() -> None:
    phonemes = [("^", 10), ("h", 20), ("a", 30), (",", 40), (" ", 50), ("j", 60), ("u", 70), (".", 80), ("$", 90)]
    assert spoken_words(phonemes) == [Spoken(10, 60), Spoken(150, 280)]
    assert spoken_words(phonemes, 1000)[0] == Spoken(1010, 1060)


def test_spoken_words_are_paired_with_written_ones() -> None:
    espeak = [WordStart(0, 0), WordStart(7, 5)]
    assert chars_of_words("in the house", espeak, 2) == [0, 7]
    assert chars_of_words("in the house", espeak, 3) == [0, 3, 7]
    assert chars_of_words("in the house", espeak, 4) is None
    assert marks_of("in the house", [0, 7], [Spoken(10, 90), Spoken(100, 300)], RATE_HZ) == (
        WordMark("in the", 10, 90),
        WordMark("house", 100, 300),
    )


def test_marks_move_by_the_offset_of_their_sentence() -> None:
    assert shifted([WordMark("a", 1, 2)], 100.5) == (WordMark("a", 101.5, 102.5),)
