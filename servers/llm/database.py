"""The file that keeps the conversations: made private, checked at the start, set aside when it is damaged."""

from __future__ import annotations

import contextlib
import errno
import glob
import itertools
import logging
import os
import sqlite3
import time
from typing import TYPE_CHECKING

from interject.servers.llm.errors import Fault, StoreDamagedError, StoreError, StoreOutageError
from interject.wire.private_file import make_private_file

if TYPE_CHECKING:
    from pathlib import Path

_LOGGER = logging.getLogger(__name__)

# Another process that reads or writes the store holds it for milliseconds; a user who waits for a reply notices more.
LOCK_WAIT_S = 0.25
# Commands that a person runs once have more patience.
_COMMAND_LOCK_WAIT_S = 2.0

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
CREATE TABLE IF NOT EXISTS forgotten (at REAL NOT NULL);
"""
# What files of version 0.2.0 and before lack.
_ADDED_COLUMNS = {"ended": "REAL NOT NULL DEFAULT 0", "engine": "TEXT NOT NULL DEFAULT ''"}
# SQLite: PRAGMA auto_vacuum.
_INCREMENTAL = 2
# SQLite: the basic result code is the lowest byte of an extended one.
_BASIC_CODE = 0xFF
# Reasons of the disk's own, which may pass; all others are the user's to mend before the server can start.
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}


def _fault_of(error: sqlite3.Error) -> Fault:
    """Tell what an error of SQLite's means."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        # Raised by Python: for a text that is none, and for rows that make no sense.
        damaged = type(error) is sqlite3.DatabaseError or isinstance(error, sqlite3.OperationalError)
        return Fault.DAMAGED if damaged else Fault.UNUSABLE
    if code & _BASIC_CODE in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return Fault.DAMAGED
    return Fault.UNUSABLE if code & _BASIC_CODE == sqlite3.SQLITE_CANTOPEN else Fault.OUTAGE


def open_database(path: Path, now: float, lock_wait_s: float = LOCK_WAIT_S) -> sqlite3.Connection:
    """Open or create the file; a damaged one is renamed and a new one begun. `now` in s since 1970; blocking.

    Raises StoreError, StoreOutageError.
    """
    _make_place(path)
    try:
        return _connect(path, lock_wait_s)
    except StoreDamagedError as damage:
        return begin_anew(path, now, damage)


def begin_anew(path: Path, now: float, damage: StoreError) -> sqlite3.Connection:
    """Rename a damaged file that nobody here has open, and begin a new one; blocking.

    Raises StoreError, StoreOutageError.
    """
    aside = _set_aside(path, now)
    _LOGGER.error("%s %s; it was moved to %s and a new one begun", path, damage.reason, aside)
    _make_place(path)
    return _connect(path, LOCK_WAIT_S)


def open_existing(path: Path) -> sqlite3.Connection:
    """Open a file that is there, also one in use, to change what it keeps; blocking. Raises StoreError."""
    if not path.is_file():
        raise StoreError(path, "does not exist", "give the path that the server was started with")
    return _connect(path, _COMMAND_LOCK_WAIT_S)


def give_room_back(path: Path, connection: sqlite3.Connection) -> None:
    """Give the room of what was deleted back to the disk; blocking. Raises sqlite3.Error.

    What was deleted is gone from the write-ahead log too, unless another program reads just then: the next time takes
    care of that.
    """
    if connection.execute("PRAGMA auto_vacuum").fetchone() != (_INCREMENTAL,):
        _make_shrinkable(path, connection)
    # As a script: execute() takes only the first of its steps, which frees one page.
    connection.executescript("PRAGMA incremental_vacuum")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def remove_set_aside(path: Path, older_than: float) -> None:
    """Delete the damaged files that were set aside before a time, in s since 1970; blocking."""
    for aside in set_aside_files(path):
        try:
            if aside.stat().st_mtime <= older_than:
                aside.unlink()
        except OSError as error:
            _LOGGER.debug("%s is still there: %s", aside, error)


def set_aside_files(path: Path) -> list[Path]:
    """Return the damaged files that took the place of this one before, with what belongs to them."""
    return sorted(path.parent.glob(f"{glob.escape(path.name)}.damaged-*"))


def explained(path: Path, error: sqlite3.Error) -> StoreError:
    """Return what to tell the user of an error of SQLite's."""
    fault = _fault_of(error)
    if fault is Fault.DAMAGED:
        return StoreDamagedError(path, str(error))
    if fault is Fault.UNUSABLE:
        return StoreError(path, f"cannot be used ({error})", "make it writable, or give another one with --store")
    code = getattr(error, "sqlite_errorcode", 0) & _BASIC_CODE
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        reason, remedy = "is locked by another program", "stop that one, or give another store with --store"
    elif code == sqlite3.SQLITE_FULL:
        reason, remedy = f"cannot be written ({error})", "make room on its disk"
    else:
        reason, remedy = f"cannot be used ({error})", "make it writable, or give another one with --store"
    return StoreOutageError(path, reason, remedy)


def _connect(path: Path, lock_wait_s: float) -> sqlite3.Connection:
    try:
        return _prepared(path, lock_wait_s)
    except sqlite3.Error as error:
        raise explained(path, error) from None


def _prepared(path: Path, lock_wait_s: float) -> sqlite3.Connection:
    # One worker thread is the only user.
    connection = sqlite3.connect(path, timeout=lock_wait_s, isolation_level=None, check_same_thread=False)
    try:
        if connection.execute("PRAGMA page_count").fetchone() == (0,):
            # Later it would take a VACUUM.
            connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
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


def _make_shrinkable(path: Path, connection: sqlite3.Connection) -> None:
    """Rewrite a file of version 0.2.0 or before, the only way to have it shrink from then on."""
    connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
    try:
        connection.execute("VACUUM")
    except sqlite3.OperationalError as error:
        # It takes as much room again, and nobody else may use the file; it can wait.
        _LOGGER.debug("%s does not shrink yet: %s", path, error)


def _add_columns(connection: sqlite3.Connection) -> None:
    there = {name for _, name, *_ in connection.execute("PRAGMA table_info(turns)")}
    for name, kind in _ADDED_COLUMNS.items():
        if name not in there:
            connection.execute(f"ALTER TABLE turns ADD COLUMN {name} {kind}")


def _check(connection: sqlite3.Connection) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _make_place(path: Path) -> None:
    """Create the file, readable by its owner alone: it holds what was said in a home."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_private_file(path)
    except OSError as error:
        reason = f"cannot be written ({error.strerror})"
        if error.errno in _DISK_ERRORS:
            raise StoreOutageError(path, reason, "make room on its disk, or mend it") from None
        raise StoreError(path, reason, "give another one with --store") from None


def _set_aside(path: Path, now: float) -> Path:
    """Rename a damaged store and what belongs to it; returns its new name. Raises StoreError, StoreOutageError."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    numbered = (path.with_name(f"{path.name}.damaged-{stamp}-{count}") for count in itertools.count(1))
    aside = next(other for other in numbered if not other.exists())
    try:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                moved = path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
                # Its own life begins now.
                os.utime(moved, (now, now))
    except OSError as error:
        kind = StoreOutageError if error.errno in _DISK_ERRORS else StoreError
        raise kind(path, f"is damaged and cannot be renamed ({error.strerror})", "move it away") from None
    return aside
