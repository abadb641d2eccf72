"""What is kept ready for the next use, and for how long."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


T = TypeVar("T")

# Long enough that a house that speaks now and then never waits for a second one to load.
UNUSED_S = 600.0


class IdlePool(Generic[T]):
    """Things that are free, in the order in which they were left."""

    def __init__(self) -> None:
        self._free: list[tuple[T, float]] = []

    def leave(self, item: T, now_s: float) -> None:
        """Keep one for the next use."""
        self._free.append((item, now_s))

    def take(self, fits: Callable[[T], bool]) -> T | None:
        """Take one that fits, else the one that was left last, so that those that are not needed stay unused."""
        if not self._free:
            return None
        chosen = next((n for n in reversed(range(len(self._free))) if fits(self._free[n][0])), -1)
        return self._free.pop(chosen)[0]

    def drop_unused(self, now_s: float) -> int:
        """Forget those that nobody has needed for UNUSED_S, all but the one that was left last; returns how many."""
        kept = [(item, since_s) for item, since_s in self._free[:-1] if now_s - since_s < UNUSED_S]
        kept += self._free[-1:]
        dropped = len(self._free) - len(kept)
        self._free = kept
        return dropped


def give_back_freed() -> None:
    """Have the C library give back what is free, where it can: glibc keeps two thirds of a decoder that is gone."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
