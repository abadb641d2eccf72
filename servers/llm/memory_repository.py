"""Turns in memory alone, of which the oldest are dropped where there is no room for them."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from interject.servers.llm.repository import ANY_TIME_S, StoredTurn, Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from interject.servers.llm.turns import Origin, Turn

# More than is said in any outage; a bound for clients that talk without end.
MOST_BYTES = 32 << 20
# What a turn takes besides what was said: its objects, its ids, its place in the dictionary.
_TURN_BYTES = 1000


class MemoryTurnRepository:
    """A TurnRepository that no disk knows; it raises no StoreError."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: dict[int, StoredTurn] = {}
        self._last_id = 0
        self._forgotten_at = ANY_TIME_S

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all that is within, or nothing of it."""
        before = dict(self._kept), self._forgotten_at
        try:
            yield
        except BaseException:
            self._kept, self._forgotten_at = before
            raise

    def add(self, conversation_id: str, origin: Origin, turn: Turn) -> int:
        """Keep a new turn; returns its id."""
        turn_id = self._last_id + 1
        asker = replace(origin, conversation_id=conversation_id)
        self.put([StoredTurn(conversation_id, asker, replace(turn, turn_id=turn_id))])
        return turn_id

    def update(self, turn: Turn) -> None:
        """Change the reply, the state and the end of a turn, if it is kept."""
        if turn.turn_id is not None and (kept := self._kept.get(turn.turn_id)) is not None:
            changed = replace(kept.turn, reply=turn.reply, state=turn.state, ended=turn.ended)
            self._kept[turn.turn_id] = replace(kept, turn=changed)
            self._make_room()

    def find(self, turn_id: int) -> Turn | None:
        """Return a turn, None if it is not kept."""
        kept = self._kept.get(turn_id)
        return None if kept is None else kept.turn

    def turns(self, conversation_id: str, asked_after: float, most: int) -> list[Turn]:
        """Return the newest turns of a conversation, oldest first."""
        found = self._newest(most, lambda kept: kept.conversation_id == conversation_id, asked_after)
        return [kept.turn for kept in reversed(found)]

    def newest(self, most: int | None = None, asked_after: float = ANY_TIME_S) -> list[StoredTurn]:
        """Return the newest turns of all conversations, newest first."""
        return self._newest(most, lambda _: True, asked_after)

    def conversation_of(self, turn_id: int, most: int) -> list[StoredTurn]:
        """Return the newest turns of the conversation that a turn is in, newest first."""
        if (wanted := self._kept.get(turn_id)) is None:
            return []
        return self._newest(most, lambda kept: kept.conversation_id == wanted.conversation_id)

    def count_of_others(self, engine: str) -> int:
        """Return how many of the turns another engine answered."""
        return sum(kept.turn.engine != engine for kept in self._kept.values())

    def put(self, stored: Sequence[StoredTurn]) -> None:
        """Keep turns with the ids that they have."""
        for item in stored:
            turn_id = item.turn.turn_id
            if turn_id is not None:
                self._kept[turn_id] = item
                self._last_id = max(self._last_id, turn_id)
        self._make_room()

    def merge(self, stored: Sequence[StoredTurn]) -> None:
        """Take turns as they have become elsewhere; those not kept here only if asked after `forget`."""
        for item in stored:
            kept = None if item.turn.turn_id is None else self._kept.get(item.turn.turn_id)
            if kept is not None and kept.conversation_id == item.conversation_id:
                self.update(item.turn)
            elif kept is None and item.turn.created > self._forgotten_at:
                self.put([item])

    def clear(self) -> None:
        """Delete all turns."""
        self._kept = {}

    def purge(self, asked_until: float) -> None:
        """Delete the turns that were asked at that time or before."""
        self._kept = {turn_id: kept for turn_id, kept in self._kept.items() if kept.turn.created > asked_until}

    def summaries(self) -> list[Summary]:
        """Return what is kept, the conversation last asked in at the end."""
        asked: dict[str, list[float]] = {}
        for kept in self._kept.values():
            asked.setdefault(kept.conversation_id, []).append(kept.turn.created)
        found = [Summary(conversation_id, len(times), max(times)) for conversation_id, times in asked.items()]
        return sorted(found, key=lambda summary: summary.last_asked)

    def forget(self, conversation_id: str, now: float) -> int:
        """Delete a conversation; returns how many turns it had."""
        left = {turn_id: kept for turn_id, kept in self._kept.items() if kept.conversation_id != conversation_id}
        forgotten = len(self._kept) - len(left)
        if forgotten:
            self._kept, self._forgotten_at = left, now
        return forgotten

    def forget_all(self, now: float) -> int:
        """Delete all turns; returns how many there were."""
        forgotten = len(self._kept)
        self._kept, self._forgotten_at = {}, now
        return forgotten

    def _newest(
        self, most: int | None, wanted: Callable[[StoredTurn], bool], asked_after: float = ANY_TIME_S
    ) -> list[StoredTurn]:
        newest_first = (self._kept[turn_id] for turn_id in sorted(self._kept, reverse=True))
        return [kept for kept in newest_first if kept.turn.created > asked_after and wanted(kept)][:most]

    def _make_room(self) -> None:
        """Drop the older half of the turns until the rest takes no more than it may; of one turn, that."""
        while self._kept and sum(map(_bytes_of, self._kept.values())) > self._most_bytes:
            oldest_first = sorted(self._kept)
            for turn_id in oldest_first[: len(oldest_first) // 2 + 1]:
                del self._kept[turn_id]


def _bytes_of(kept: StoredTurn) -> int:
    return _TURN_BYTES + sys.getsizeof(kept.turn.asked) + sys.getsizeof(kept.turn.reply)
