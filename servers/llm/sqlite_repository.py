"""Turns in a file of SQLite's. All statements about turns are here; what the file is like is in `database`."""

# ruff: noqa: S608 - all that is put into a statement are constants of this module

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from interject.servers.llm.database import explained, give_room_back, open_existing
from interject.servers.llm.errors import StoreDamagedError, StoreError
from interject.servers.llm.repository import ANY_TIME_S, StoredTurn, Summary
from interject.servers.llm.turns import Origin, ReplyState, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# What SQLite gives and takes.
_Value = str | int | float | None

_COLUMNS = "id, epoch, asked, reply, state, created, ended, engine"
_ALL_COLUMNS = f"conversation_id, satellite_id, device_id, {_COLUMNS}"
_VALUES = "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
# SQLite: no limit.
_ALL = -1
_MS_PER_S = 1000


class SqliteTurnRepository:
    """A TurnRepository in a file that is open. Where the file is damaged it raises StoreDamagedError."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """`connection` is this one's own from here on."""
        self._path = path
        self._connection = connection

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all that is within, or nothing of it, with nobody else's change in between."""
        with self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # Where the disk is full SQLite may have done so itself.
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def add(self, conversation_id: str, origin: Origin, turn: Turn) -> int:
        """Keep a new turn; returns its id."""
        values = _values_of(StoredTurn(conversation_id, origin, turn), None)
        with self._errors():
            cursor = self._connection.execute(f"INSERT INTO turns ({_ALL_COLUMNS}) VALUES ({_VALUES})", values)
            return int(cursor.lastrowid or 0)

    def update(self, turn: Turn) -> None:
        """Change the reply, the state and the end of a turn, if it is kept."""
        self._change(
            "UPDATE turns SET reply = ?, state = ?, ended = ? WHERE id = ?",
            (turn.reply, turn.state.value, turn.ended, turn.turn_id),
        )

    def find(self, turn_id: int) -> Turn | None:
        """Return a turn, None if it is not kept."""
        rows = self._rows(f"SELECT {_COLUMNS} FROM turns WHERE id = ?", (turn_id,))
        return self._turn(rows[0]) if rows else None

    def turns(self, conversation_id: str, asked_after: float, most: int) -> list[Turn]:
        """Return the newest turns of a conversation, oldest first."""
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM turns WHERE conversation_id = ? AND created > ? ORDER BY id DESC LIMIT ?",
            (conversation_id, asked_after, most),
        )
        return [self._turn(row) for row in reversed(rows)]

    def newest(self, most: int | None = None, asked_after: float = ANY_TIME_S) -> list[StoredTurn]:
        """Return the newest turns of all conversations, newest first."""
        return self._stored(
            f"SELECT {_ALL_COLUMNS} FROM turns WHERE created > ? ORDER BY id DESC LIMIT ?",
            (asked_after, _ALL if most is None else most),
        )

    def conversation_of(self, turn_id: int, most: int) -> list[StoredTurn]:
        """Return the newest turns of the conversation that a turn is in, newest first."""
        return self._stored(
            f"SELECT {_ALL_COLUMNS} FROM turns WHERE conversation_id = "
            "(SELECT conversation_id FROM turns WHERE id = ?) ORDER BY id DESC LIMIT ?",
            (turn_id, most),
        )

    def count_of_others(self, engine: str) -> int:
        """Return how many of the turns another engine answered."""
        return self._number("SELECT COUNT(*) FROM turns WHERE engine != ?", (engine,))

    def put(self, stored: Sequence[StoredTurn]) -> None:
        """Keep turns with the ids that they have."""
        for item in stored:
            self._change(
                f"INSERT OR REPLACE INTO turns ({_ALL_COLUMNS}) VALUES ({_VALUES})",
                _values_of(item, item.turn.turn_id),
            )

    def merge(self, stored: Sequence[StoredTurn]) -> None:
        """Take turns as they have become elsewhere; those not kept here only if asked after `forget`."""
        ((forgotten_at,),) = self._rows("SELECT COALESCE(MAX(at), ?) FROM forgotten", (ANY_TIME_S,))
        for item in stored:
            turn = item.turn
            changed = self._change(
                "UPDATE turns SET reply = ?1, state = ?2, ended = ?3 WHERE id = ?4 AND conversation_id = ?5 "
                "AND (reply, state, ended) != (?1, ?2, ?3)",
                (turn.reply, turn.state.value, turn.ended, turn.turn_id, item.conversation_id),
            )
            if not changed and turn.created > float(str(forgotten_at)):
                self._change(
                    f"INSERT OR IGNORE INTO turns ({_ALL_COLUMNS}) VALUES ({_VALUES})", _values_of(item, turn.turn_id)
                )

    def clear(self) -> None:
        """Delete all turns."""
        self._change("DELETE FROM turns")

    def purge(self, asked_until: float) -> None:
        """Delete the turns that were asked at that time or before."""
        self._change("DELETE FROM turns WHERE created <= ?", (asked_until,))

    def summaries(self) -> list[Summary]:
        """Return what is kept, the conversation last asked in at the end."""
        rows = self._rows(
            "SELECT conversation_id, COUNT(*), MAX(created) FROM turns GROUP BY conversation_id ORDER BY MAX(created)"
        )
        return [Summary(str(name), int(str(turns)), float(str(asked))) for name, turns, asked in rows]

    def forget(self, conversation_id: str, now: float) -> int:
        """Delete a conversation from the file for good; returns how many turns it had."""
        forgotten = self._change("DELETE FROM turns WHERE conversation_id = ?", (conversation_id,))
        if forgotten:
            self._note_forgotten(now)
        return forgotten

    def forget_all(self, now: float) -> int:
        """Delete all turns from the file for good; returns how many there were."""
        forgotten = self._change("DELETE FROM turns")
        self._note_forgotten(now)
        return forgotten

    def version(self) -> int:
        """Return a number above 0 that is another one when another program has written."""
        return self._number("PRAGMA data_version")

    def wait_for_locks(self, seconds: float) -> None:
        """Have each change wait so long for another program that holds the file."""
        self._change(f"PRAGMA busy_timeout = {round(seconds * _MS_PER_S)}")

    def give_room_back(self) -> None:
        """Give the room of what was deleted back to the disk."""
        with self._errors():
            give_room_back(self._path, self._connection)

    def _note_forgotten(self, now: float) -> None:
        """Have a server that kept turns in memory meanwhile not write them, and leave nothing in the log.

        The write-ahead log holds what was deleted until it is written over.
        """
        self._change("DELETE FROM forgotten")
        self._change("INSERT INTO forgotten VALUES (?)", (now,))
        if self._number("PRAGMA wal_checkpoint(TRUNCATE)"):
            remedy = "what was said may still be in it: try again"
            raise StoreError(self._path, "was read while it was to be cleared", remedy)

    def _change(self, statement: str, values: Sequence[_Value] = ()) -> int:
        with self._errors():
            return self._connection.execute(statement, values).rowcount

    def _rows(self, statement: str, values: Sequence[_Value] = ()) -> list[tuple[_Value, ...]]:
        with self._errors():
            return self._connection.execute(statement, values).fetchall()

    def _number(self, statement: str, values: Sequence[_Value] = ()) -> int:
        return int(str(self._rows(statement, values)[0][0]))

    def _stored(self, statement: str, values: Sequence[_Value]) -> list[StoredTurn]:
        return [
            StoredTurn(str(name), Origin(str(name), _text(satellite_id), _text(device_id)), self._turn(row))
            for name, satellite_id, device_id, *row in self._rows(statement, values)
        ]

    def _turn(self, row: Sequence[_Value]) -> Turn:
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
            raise StoreDamagedError(self._path, f"a row makes no sense: {error}") from None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explained(self._path, error) from None


@contextlib.contextmanager
def opened_existing(path: Path) -> Iterator[SqliteTurnRepository]:
    """Use a file that is there, also one that a server uses, and close it; blocking. Raises StoreError."""
    with contextlib.closing(SqliteTurnRepository(path, open_existing(path))) as repository:
        yield repository


def _values_of(item: StoredTurn, turn_id: int | None) -> tuple[_Value, ...]:
    """Return the values of _ALL_COLUMNS."""
    turn, origin = item.turn, item.origin
    who = (item.conversation_id, origin.satellite_id, origin.device_id)
    return (
        *who,
        turn_id,
        turn.epoch,
        turn.asked,
        turn.reply,
        turn.state.value,
        turn.created,
        turn.ended,
        turn.engine,
    )


def _text(value: _Value) -> str | None:
    return None if value is None else str(value)
