"""Turns of conversations in a database, in a file or in memory: what is done to them is the same in both."""

# ruff: noqa: S608 - all that is put into a statement are constants of this module

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.servers.llm.matching import Candidate, Speaker, find_cut
from interject.servers.llm.sounding import speech_s
from interject.servers.llm.turns import (
    Interruption,
    Message,
    ReplyState,
    Turn,
    completed,
    corrected,
    correction_of,
    failed,
    messages_of,
    since_pause,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

# More turns than the largest --history-messages needs, and a bound for a client that talks without end.
_MAX_TURNS_READ = 500
# How many of the newest turns, of all conversations, are searched for an interrupted reply's text: more than a large
# house has in the time that follows.
_MAX_TURNS_SEARCHED = 200
# No reply is spoken for longer; what was said before that cannot be cut off any more.
_MAX_AGE_SEARCHED_S = 15 * 60.0

_COLUMNS = "id, epoch, asked, reply, state, created, ended, engine"
_ALL_COLUMNS = f"conversation_id, satellite_id, device_id, {_COLUMNS}"
_VALUES = "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

# A turn as it is stored, to be copied from one database to another: the values of _ALL_COLUMNS.
Record = tuple[str, str | None, str | None, int, int | None, str, str, str, float, float, str]


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn that was begun: its id, and all messages of its conversation so far, its own last."""

    turn_id: int
    messages: list[Message]


@dataclass(frozen=True, slots=True)
class Corrected:
    """What an interruption did: the conversation and the turn (None if none was found), and the new content.

    `overstated`: words were said to be heard that the reply does not have.
    """

    conversation_id: str | None
    turn_id: int | None
    content: str
    overstated: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """How long what was said is kept, and after how long a silence a conversation begins anew, in s."""

    life_s: float
    pause_s: float


class Conversations:
    """All conversations of a database. Every method blocks, and raises sqlite3.Error.

    What another engine answered is no part of a conversation: a model would take it for its own words, and go on in
    that manner.
    """

    def __init__(self, connection: sqlite3.Connection, memory: Memory, engine: str, clock: Callable[[], float]) -> None:
        """`engine` writes the replies; `clock` tells the time in seconds since 1970."""
        self.connection = connection
        self._memory = memory
        self._engine = engine
        self._clock = clock

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all that is within, or nothing of it."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            # Where the disk is full SQLite may have done so itself.
            with contextlib.suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")
            raise

    def begin(self, conversation_id: str, speaker: Speaker, epoch: int | None, asked: str) -> Begun:
        """Store what the user said."""
        now = self._clock()
        cursor = self.connection.execute(
            f"INSERT INTO turns ({_ALL_COLUMNS}) VALUES ({_VALUES})",
            (
                conversation_id,
                speaker.satellite_id,
                speaker.device_id,
                None,
                epoch,
                asked,
                "",
                ReplyState.PENDING.value,
                now,
                now,
                self._engine,
            ),
        )
        return Begun(int(cursor.lastrowid or 0), self.messages(conversation_id))

    def complete(self, turn_id: int, reply: str) -> int:
        """Store a reply that was generated to its end; returns the turn."""
        return self._change(turn_id, lambda turn: completed(turn, reply, self._clock() + speech_s(reply)))

    def fail(self, turn_id: int) -> int:
        """Note that a reply could not be generated; returns the turn."""
        return self._change(turn_id, lambda turn: failed(turn, self._clock()))

    def interrupt(
        self,
        speaker: Speaker,
        interruption: Interruption,
        written: Mapping[int, str],
        being_written: Collection[int],
    ) -> Corrected:
        """Cut a reply to what was heard; see Store.interrupt."""
        conversation_id = speaker.conversation_id
        if conversation_id is not None:
            correction = corrected(self._turns(conversation_id), interruption, self._clock(), written)
        else:
            # Behind Home Assistant the satellite knows the words of the reply, and itself by another name.
            found = find_cut(self._candidates(), speaker, interruption, being_written)
            if found is None:
                return Corrected(None, None, "")
            conversation_id = found.conversation_id
            correction = correction_of(found.turn, interruption, self._clock(), written)
        if correction.turn is None:
            return Corrected(conversation_id, None, correction.content, correction.overstated)
        self._update(correction.turn)
        return Corrected(conversation_id, correction.turn.turn_id, correction.content, correction.overstated)

    def messages(self, conversation_id: str) -> list[Message]:
        """Return a conversation as the model sees it, oldest message first."""
        turns = since_pause(self._turns(conversation_id), self._memory.pause_s)
        return messages_of([turn for turn in turns if turn.engine == self._engine])

    def others(self) -> int:
        """Return how many of the answers are another engine's."""
        (others,) = self.connection.execute("SELECT COUNT(*) FROM turns WHERE engine != ?", (self._engine,)).fetchone()
        return int(others)

    def expire(self) -> None:
        """Delete what is older than its life."""
        self.connection.execute("DELETE FROM turns WHERE created <= ?", (self._clock() - self._memory.life_s,))

    def newest(self, most: int = -1) -> list[Record]:
        """Return the newest turns of all conversations, newest first; all without a number."""
        return _checked(self.connection.execute(f"SELECT {_ALL_COLUMNS} FROM turns ORDER BY id DESC LIMIT ?", (most,)))

    def conversation_of(self, turn_id: int) -> list[Record]:
        """Return the newest turns of the conversation that a turn is in, none if it is not there."""
        return _checked(
            self.connection.execute(
                f"SELECT {_ALL_COLUMNS} FROM turns WHERE conversation_id = "
                "(SELECT conversation_id FROM turns WHERE id = ?) ORDER BY id DESC LIMIT ?",
                (turn_id, _MAX_TURNS_SEARCHED),
            )
        )

    def put(self, records: Sequence[Record]) -> None:
        """Take turns with their ids, in place of those that have them."""
        self.connection.executemany(f"INSERT OR REPLACE INTO turns ({_ALL_COLUMNS}) VALUES ({_VALUES})", records)

    def add(self, records: Sequence[Record]) -> None:
        """Take turns as they have become elsewhere; those that are not here only if nothing was forgotten since."""
        (forgotten_at,) = self.connection.execute("SELECT COALESCE(MAX(at), 0) FROM forgotten").fetchone()
        for record in records:
            conversation_id, _, _, turn_id, _, _, reply, state, created, ended, _ = record
            changed = self.connection.execute(
                "UPDATE turns SET reply = ?1, state = ?2, ended = ?3 WHERE id = ?4 AND conversation_id = ?5 "
                "AND (reply, state, ended) != (?1, ?2, ?3)",
                (reply, state, ended, turn_id, conversation_id),
            )
            if not changed.rowcount and created > forgotten_at:
                self.connection.execute(f"INSERT OR IGNORE INTO turns ({_ALL_COLUMNS}) VALUES ({_VALUES})", record)

    def clear(self) -> None:
        """Delete all turns; their ids are not used again."""
        self.connection.execute("DELETE FROM turns")

    def used_bytes(self) -> int:
        """Return how much room the turns take."""
        pages, free, size = (
            self.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def drop_older_half(self) -> None:
        """Delete the older half of the turns; of one turn, that."""
        self.connection.execute(
            "DELETE FROM turns WHERE id <= (SELECT id FROM turns ORDER BY id LIMIT 1 OFFSET "
            "(SELECT COUNT(*) / 2 FROM turns))"
        )

    def _candidates(self) -> list[Candidate]:
        """Return the turns whose replies may still be spoken, newest first."""
        rows = self.connection.execute(
            f"SELECT {_ALL_COLUMNS} FROM turns WHERE created > ? ORDER BY id DESC LIMIT ?",
            (self._clock() - _MAX_AGE_SEARCHED_S, _MAX_TURNS_SEARCHED),
        )
        return [
            Candidate(conversation_id, Speaker(conversation_id, satellite_id, device_id), _turn(row))
            for conversation_id, satellite_id, device_id, *row in rows.fetchall()
        ]

    def _turns(self, conversation_id: str) -> list[Turn]:
        rows = self.connection.execute(
            f"SELECT {_COLUMNS} FROM turns WHERE conversation_id = ? AND created > ? ORDER BY id DESC LIMIT ?",
            (conversation_id, self._clock() - self._memory.life_s, _MAX_TURNS_READ),
        )
        return [_turn(row) for row in reversed(rows.fetchall())]

    def _change(self, turn_id: int, change: Callable[[Turn], Turn]) -> int:
        for row in self.connection.execute(f"SELECT {_COLUMNS} FROM turns WHERE id = ?", (turn_id,)).fetchall():
            self._update(change(_turn(row)))
        return turn_id

    def _update(self, turn: Turn) -> None:
        self.connection.execute(
            "UPDATE turns SET reply = ?, state = ?, ended = ? WHERE id = ?",
            (turn.reply, turn.state.value, turn.ended, turn.turn_id),
        )


def all_messages(connection: sqlite3.Connection) -> dict[str, list[Message]]:
    """Return all that is kept of each conversation, whoever answered; blocking. Raises sqlite3.Error."""
    turns: dict[str, list[Turn]] = {}
    for conversation_id, _, _, *row in connection.execute(f"SELECT {_ALL_COLUMNS} FROM turns ORDER BY id"):
        turns.setdefault(conversation_id, []).append(_turn(row))
    return {conversation_id: messages_of(found) for conversation_id, found in turns.items()}


def _checked(rows: Iterable[Record]) -> list[Record]:
    """Return turns that are to be copied, so that damage does not spread; raises sqlite3.DatabaseError."""
    records = list(rows)
    for _, _, _, *row in records:
        _turn(row)
    return records


def _turn(row: Sequence[object]) -> Turn:
    turn_id, epoch, asked, reply, state, created, ended, engine = row
    try:
        return Turn(
            turn_id=int(str(turn_id)),
            epoch=None if epoch is None else int(str(epoch)),
            asked=str(asked),
            reply=str(reply),
            state=ReplyState(state),
            created=float(str(created)),
            ended=float(str(ended)),
            engine=str(engine),
        )
    except ValueError as error:
        raise sqlite3.DatabaseError(f"a row makes no sense: {error}") from None
