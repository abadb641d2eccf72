"""What `script/test-hold` is made of: parts, each of which attacks a house and returns the rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path


class Size(Enum):
    """How much is tried."""

    # Seconds: enough to notice that a defence is gone; `script/test` runs this.
    SHORT = "short"
    # All parts together within ten minutes.
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Row:
    """One attack, and what came of it; `seen` and `goal` have their unit in them.

    timed: a machine that is busy with something else can miss the goal, so that a test must not fail for it.
    """

    attack: str
    tried: str
    seen: str
    goal: str
    held: bool
    timed: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Some attacks that share what they are made on.

    run: it is given an empty folder for what it writes, and the size; it starts and stops all it needs, and listens on
    loopback alone.
    """

    name: str
    run: Callable[[Path, Size], Awaitable[Sequence[Row]]]
