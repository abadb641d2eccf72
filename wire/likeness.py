"""What was meant by a name that nothing has."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# One letter wrong in five, or a third of the name left out.
_LIKENESS = 0.75


def did_you_mean(name: str, names: Iterable[str], start: str = "") -> str:
    """Ask for what was meant, empty where nothing is like it; all names begin with `start`, which says nothing."""
    known = {other.removeprefix(start).lower(): other for other in names}
    wanted = name.removeprefix(start).lower()
    close = difflib.get_close_matches(wanted, known, cutoff=_LIKENESS)
    return f"did you mean {' or '.join(known[end] for end in close)}?" if close else ""


def like(name: str, names: Iterable[str], start: str = "") -> str:
    """Ask for what was meant, or say where all names are; `name` begins with `start`, and `names` do not."""
    return did_you_mean(name, [start + end for end in names], start) or "--help-all lists them all"
