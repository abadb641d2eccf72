from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from interject.satellite.wake.base import phrase_of
from interject.satellite.wake.engine import Blocks, Trigger

if TYPE_CHECKING:
    from collections.abc import Sequence

PROBABILITIES = st.lists(st.floats(0, 1), max_size=60)


def fired(trigger: Trigger, probabilities: Sequence[float], step: int = 10) -> list[int]:
    """Return the indices of the probabilities that fire."""
    return [at for at, probability in enumerate(probabilities) if trigger.feed(probability, at * step) is not None]


def test_a_word_is_heard_once_however_long_it_stays_probable() -> None:
    assert fired(Trigger(0.9, 0), [0, 0.6, 0.95, 1, 0.95, 0.91, 0.2, 0]) == [2]


def test_a_word_said_again_is_heard_again() -> None:
    assert fired(Trigger(0.9, 0), [0, 0.95, 0, 0.95]) == [1, 3]


def test_a_probability_that_only_reaches_the_threshold_is_no_word() -> None:
    assert fired(Trigger(0.9, 0), [0, 0.9, 0.9]) == []


def test_a_word_said_again_too_soon_does_not_count() -> None:
    assert fired(Trigger(0.5, 30), [0.9, 0, 0.9, 0, 0.9]) == [0, 4]


def test_a_word_begun_too_soon_does_not_count_later() -> None:
    assert fired(Trigger(0.5, 30), [0.9, 0, 0.9, 0.9, 0.9, 0.9]) == [0]


def test_it_tells_where_the_probability_had_risen() -> None:
    trigger = Trigger(0.9, 0)
    told = [trigger.feed(probability, at) for at, probability in enumerate([0.6, 0.1, 0.6, 0.8, 0.95])]
    assert told == [None, None, None, None, 2]


def test_a_low_threshold_counts_from_itself() -> None:
    assert Trigger(0.3, 0).feed(0.4, 7) == 7


@given(PROBABILITIES, st.floats(0.01, 1), st.integers(0, 200))
def test_no_two_words_within_the_refractory_time_and_none_below_the_threshold(
    probabilities: list[float], threshold: float, refractory: int
) -> None:
    hits = fired(Trigger(threshold, refractory), probabilities)
    assert all(probabilities[at] > threshold for at in hits)
    assert all(later - earlier >= refractory / 10 for earlier, later in pairwise(hits))


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 20))
def test_blocks_are_the_same_however_the_samples_come(sizes: list[int], size: int) -> None:
    samples = np.arange(sum(sizes), dtype=np.int16)
    blocks, end, got = Blocks(size), 0, []
    for count in sizes:
        end += count
        got += list(blocks.cut(samples[end - count : end], end))
    assert [block_end for _, block_end in got] == list(range(size, len(samples) + 1, size))
    assert all(np.array_equal(block, samples[at - size : at]) for block, at in got)


def test_a_gap_drops_what_filled_no_block() -> None:
    blocks = Blocks(4)
    assert list(blocks.cut(np.array([1, 2, 3], np.int16), 3)) == []
    ((block, end),) = blocks.cut(np.array([7, 8, 9, 10], np.int16), 104)
    assert (block.tolist(), end) == ([7, 8, 9, 10], 104)


def test_a_phrase_is_made_of_a_name() -> None:
    assert phrase_of("okay_nabu") == "okay nabu"
    assert phrase_of("hey-jarvis_v0.1") == "hey jarvis"
    assert phrase_of("v2") == "v2"
