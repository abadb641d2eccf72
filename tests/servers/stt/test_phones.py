from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.servers.stt.engines.readings import edit_distance, phone_distance

PHONES = st.lists(st.sampled_from(["AA", "B", "K", "S", "T"]), max_size=8)


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ("", "", 0),
        ("S T AA P", "S T AA P", 0),
        ("S T AA P", "SH AH T P", 0.75),
        ("D AW N T UW", "K AW N T UW", 0.2),
        ("", "AA", 1),
    ],
)
def test_distance(left: str, right: str, distance: float) -> None:
    assert phone_distance(left.split(), right.split()) == pytest.approx(distance)


@given(PHONES, PHONES, PHONES)
def test_edits_are_a_distance(one: list[str], two: list[str], three: list[str]) -> None:
    assert edit_distance(one, two) == edit_distance(two, one)
    assert (edit_distance(one, two) == 0) == (one == two)
    assert edit_distance(one, three) <= edit_distance(one, two) + edit_distance(two, three)
