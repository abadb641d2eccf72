"""What listens for wake words and stop words, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


class Role(Enum):
    """What a word does."""

    WAKE = "wake"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class WordModel:
    """A word that is listened for; `pipeline` is the Home Assistant pipeline that it starts, None for the preferred."""

    name: str
    phrase: str
    role: Role
    pipeline: str | None = None


@dataclass(frozen=True, slots=True)
class WakeWord:
    """A word that was heard.

    `end_index` is the 16 kHz index (that of `FrontEnd.ring`) one past the estimated end of the word; None if unknown.
    """

    name: str
    phrase: str
    role: Role
    end_index: int | None
    pipeline: str | None = None


class WakeDetector(Protocol):
    """Listens for words in all that is heard, whatever else goes on."""

    @property
    def words(self) -> tuple[WordModel, ...]:
        """What is listened for."""

    async def run(self, heard: Callable[[WakeWord], None]) -> None:
        """Work until cancelled; `heard` is called on the event loop."""

    def push(self, samples: NDArray[np.int16], end_index: int) -> None:
        """Take the next 16 kHz samples, which end before `end_index`; never blocks, never raises."""
