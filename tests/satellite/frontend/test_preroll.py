"""The ring of what was heard, by absolute index."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from interject.satellite.frontend.preroll import PreRoll


@given(st.lists(st.integers(0, 250), max_size=20), st.integers(-10, 1500))
def test_since_returns_exactly_the_samples_from_that_index_or_from_the_oldest_kept(
    lengths: list[int], index: int
) -> None:
    ring = PreRoll(rate_hz=100, seconds=1.0)
    everything = np.arange(sum(lengths), dtype=np.int16)
    start = 0
    for length in lengths:
        ring.append(everything[start : start + length])
        start += length

    assert ring.end == len(everything)
    assert ring.start == max(0, len(everything) - 100)
    assert np.array_equal(ring.since(index), everything[max(index, ring.start, 0) :])


def test_what_was_returned_does_not_change_afterwards() -> None:
    ring = PreRoll(rate_hz=100, seconds=1.0)
    ring.append(np.full(100, 1, np.int16))
    before = ring.since(0)

    ring.append(np.full(100, 2, np.int16))

    assert before.tolist() == [1] * 100
