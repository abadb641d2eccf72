"""The file that keeps the conversations: made private, checked at the start, set aside when it is damaged."""

from __future__ import annotations

import contextlib
import glob
import itertools
import logging
import sqlite3
import time
from typing import TYPE_CHECKING

from servers.llm.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

_LOGGER = logging.getLogger(__name__)

# Another process that reads or writes the store holds it for milliseconds; longer means that it is stuck.
_LOCK_TIMEOUT_S = 2.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id TEXT NOT NULL,
    satellite_id TEXT,
    device_id TEXT,
    epoch INTEGER,
    asked TEXT NOT NULL,
    reply TEXT NOT NULL,
    state TEXT NOT NULL,
    created REAL NOT NULL,
    ended REAL NOT NULL DEFAULT 0,
    engine TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS turns_of_conversation ON turns (conversation_id, id);
CREATE INDEX IF NOT EXISTS turns_by_age ON turns (created);
"""
# What files of version 0.2.0 and before lack.
_ADDED_COLUMNS = {"ended": "REAL NOT NULL DEFAULT 0", "engine": "TEXT NOT NULL DEFAULT ''"}


def open_database(path: Path, now: float) -> sqlite3.Connection:
    """Open or create the file; a damaged one is renamed and a new one begun. `now` in s since 1970; blocking.

    Raises StoreError, sqlite3.OperationalError.
    """
    _make_private_file(path)
    try:
        return _connect(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        aside = _set_aside(path, now)
        _LOGGER.error("%s is damaged (%s); it was moved to %s and a new one begun", path, error, aside)  # noqa: TRY400 - the cause is told
        _make_private_file(path)
        return _connect(path)


def open_existing(path: Path) -> sqlite3.Connection:
    """Open a file that is there, also one in use, to change what it keeps; blocking.

    Raises StoreError, sqlite3.Error.
    """
    if not path.is_file():
        raise StoreError(path, "does not exist", "give the path that the server was started with")
    return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    # Each statement is a transaction of its own; the one worker thread is the only user.
    connection = sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        # With a write-ahead log a crash loses at most the last turns, and readers never wait.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # What was never heard, or has expired, is to be gone from the file as well.
        connection.execute("PRAGMA secure_delete = ON")
        _check(connection)
        connection.executescript(_SCHEMA)
        # Fails here, at the start, if the file cannot be written.
        connection.execute("BEGIN IMMEDIATE")
        _add_columns(connection)
        connection.execute("PRAGMA user_version = 2")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _add_columns(connection: sqlite3.Connection) -> None:
    there = {name for _, name, *_ in connection.execute("PRAGMA table_info(turns)")}
    for name, kind in _ADDED_COLUMNS.items():
        if name not in there:
            connection.execute(f"ALTER TABLE turns ADD COLUMN {name} {kind}")


def _check(connection: sqlite3.Connection) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _make_private_file(path: Path) -> None:
    """Create the file, readable by its owner alone: it holds what was said in a home."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    except OSError as error:
        reason = f"cannot be written ({error.strerror})"
        raise StoreError(path, reason, "give another one with --store") from None


def set_aside_files(path: Path) -> list[Path]:
    """Return the damaged files that took the place of this one before, with what belongs to them."""
    return sorted(path.parent.glob(f"{glob.escape(path.name)}.damaged-*"))


def _set_aside(path: Path, now: float) -> Path:
    """Rename a damaged store and what belongs to it; returns its new name. Raises StoreError."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    numbered = (path.with_name(f"{path.name}.damaged-{stamp}-{count}") for count in itertools.count(1))
    aside = next(other for other in numbered if not other.exists())
    try:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise StoreError(path, f"is damaged and cannot be renamed ({error.strerror})", "move it away") from None
    return aside


def explained(path: Path, error: sqlite3.Error) -> StoreError:
    """Return what to tell the user of an error of SQLite's."""
    if "locked" in str(error):
        return StoreError(path, "is locked by another program", "stop that one, or give another store with --store")
    if "full" in str(error):
        return StoreError(path, f"cannot be written ({error})", "make room on its disk")
    return StoreError(path, f"cannot be used ({error})", "make it writable, or give another one with --store")
