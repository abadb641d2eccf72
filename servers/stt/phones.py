"""How alike two utterances sound: edit distance between their phones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def edit_distance(left: Sequence[str], right: Sequence[str]) -> int:
    """Count the phones to insert, delete or replace to make one of the other (Levenshtein)."""
    row = list(range(len(right) + 1))
    for i, one in enumerate(left, start=1):
        above = row
        row = [i]
        for j, other in enumerate(right, start=1):
            row.append(min(row[-1] + 1, above[j] + 1, above[j - 1] + (one != other)))
    return row[-1]


def phone_distance(left: Sequence[str], right: Sequence[str]) -> float:
    """Return the edit distance divided by the longer length: 0 the same, 1 nothing in common; two silences are 0."""
    longer = max(len(left), len(right))
    return edit_distance(left, right) / longer if longer else 0.0
