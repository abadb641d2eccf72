"""Where turns are kept: the seam behind which a file, memory, or a store that several servers share can be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from interject.servers.llm.turns import Origin, Turn

# Older than every turn.
ANY_TIME_S = -math.inf


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A turn, the conversation that it is part of, and who asked."""

    conversation_id: str
    origin: Origin
    turn: Turn


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation that is kept: how many turns it has, and when the last one was asked, in s since 1970."""

    conversation_id: str
    turns: int
    last_asked: float


class TurnRepository(Protocol):
    """Keeps turns under ids that grow in the order in which they are added, and are never used again.

    Every method blocks, and raises StoreError where what is kept cannot be read or written; one thread calls them.
    Times are in s since 1970.
    """

    def transaction(self) -> AbstractContextManager[None]:
        """Do all that is within, or nothing of it, with nobody else's change in between."""

    def add(self, conversation_id: str, origin: Origin, turn: Turn) -> int:
        """Keep a new turn, whose own id does not matter; returns its id."""

    def update(self, turn: Turn) -> None:
        """Change the reply, the state and the end of the turn that has this id, if it is kept."""

    def find(self, turn_id: int) -> Turn | None:
        """Return the turn that has this id, None if it is not kept."""

    def turns(self, conversation_id: str, asked_after: float, most: int) -> list[Turn]:
        """Return the newest turns of a conversation, oldest first."""

    def newest(self, most: int | None = None, asked_after: float = ANY_TIME_S) -> list[StoredTurn]:
        """Return the newest turns of all conversations, newest first; without a number, all."""

    def conversation_of(self, turn_id: int, most: int) -> list[StoredTurn]:
        """Return the newest turns of the conversation that a turn is in, newest first; none if it is not kept."""

    def count_of_others(self, engine: str) -> int:
        """Return how many of the turns another engine answered."""

    def put(self, stored: Sequence[StoredTurn]) -> None:
        """Keep turns with the ids that they have, in place of those that have them here."""

    def merge(self, stored: Sequence[StoredTurn]) -> None:
        """Take turns as they have become in another repository; those not kept here only if asked after `forget`."""

    def clear(self) -> None:
        """Delete all turns, without a note that they are to be forgotten."""

    def purge(self, asked_until: float) -> None:
        """Delete the turns that were asked at that time or before."""

    def summaries(self) -> list[Summary]:
        """Return what is kept, the conversation last asked in at the end."""

    def forget(self, conversation_id: str, now: float) -> int:
        """Delete a conversation for good, and note the time if there was one; returns how many turns it had."""

    def forget_all(self, now: float) -> int:
        """Delete all turns for good, and note the time; returns how many there were."""
