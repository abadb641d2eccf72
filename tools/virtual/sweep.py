"""Instants to sweep, and what to show of the one that went wrong."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tools.virtual.room import Utterance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.virtual.room import Result

# Of the turn that this question makes, when nobody interrupts: its last sample at 0.94 s, the end of the turn at 1.56,
# its transcript at 1.64, the first sample of the reply at 1.76, the last one at 3.36.
QUESTION = Utterance(0.3, 0.64, "we live here")


def instants(part: tuple[float, float], step_ms: int) -> list[float]:
    """Return seconds from the beginning of a part up to its end."""
    first, last = (round(seconds * 1000) for seconds in part)
    return [milliseconds / 1000 for milliseconds in range(first, last, step_ms)]


@contextmanager
def told_with(result: Result, at_s: float) -> Iterator[None]:
    """Add the instant and the run's records to a failed assertion."""
    try:
        yield
    except AssertionError as error:
        records = "\n".join(map(str, result.trace.records))
        raise AssertionError(f"at {at_s:.3f} s: {error}\n{result.runs}\n{records}") from error
