"""The short sounds by which a room says what it is doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.satellite.audio.base import Samples


@dataclass(frozen=True, slots=True)
class RoomSounds:
    """Sounds at the device's rate; `awake` and `done` may be None for none, and any sound may be empty.

    `ring` makes the whole ring of a timer, `ring_once` is one of its sounds. What is heard within `echo_tail_s` after a
    sound may still be its echo; None lets the recogniser hear our sounds.
    """

    error: Samples
    not_understood: Samples
    ring: Callable[[], Iterator[Samples]]
    ring_once: Samples
    awake: Samples | None = None
    done: Samples | None = None
    echo_tail_s: float | None = 0.5

    @classmethod
    def silent(cls) -> Self:
        """Give sounds that nobody hears."""
        nothing = np.zeros(0, np.int16)
        return cls(error=nothing, not_understood=nothing, ring=lambda: iter(()), ring_once=nothing)
