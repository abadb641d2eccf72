"""`interject-llm forget`: delete what was said from the store, also while the bridge runs."""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interject.servers.llm.database import explained, open_existing, set_aside_files
from interject.servers.llm.errors import StoreError, UnknownConversationError
from interject.servers.llm.settings import LlmSettings, default_store
from interject.wire.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_DESCRIPTION = "Forget a conversation, or all. Without either, list the conversations that are kept."
_EPILOG = (
    "It works while the bridge runs: its next reply knows nothing of what was forgotten. The store is that of the "
    "bridge's own settings, INTERJECT_LLM_STORE and [llm] store in the file given by --config."
)


def run_forget(argv: Sequence[str]) -> int:
    """Do what the command line says, and return the exit status; raises InterjectError."""
    parser = argparse.ArgumentParser(prog="interject-llm forget", description=_DESCRIPTION, epilog=_EPILOG)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("conversation", nargs="?", metavar="CONVERSATION", help="as the list names it")
    which.add_argument("--all", action="store_true", help="forget all conversations")
    parser.add_argument("--store", metavar="PATH", help="file that keeps the conversations")
    parser.add_argument("--config", metavar="FILE", help="TOML file with settings")
    given = parser.parse_args(argv)
    flags = [part for name in ("store", "config") if (value := vars(given)[name]) for part in (f"--{name}", value)]
    settings = load(LlmSettings, prefix="llm", argv=flags, environ=os.environ, description=_DESCRIPTION)
    path = settings.store or default_store(os.environ)
    if given.all:
        sys.stdout.write(f"{_counted(forget_all(path))} forgotten, all that {path} kept\n")
    elif given.conversation is not None:
        sys.stdout.write(f"{_counted(forget(path, given.conversation))} of {given.conversation} forgotten\n")
    else:
        sys.stdout.write(_listed(path))
    return 0


def forget(path: Path, conversation_id: str) -> int:
    """Delete a conversation; returns how many questions it had.

    Blocking. Raises UnknownConversationError, StoreError.
    """
    with _opened(path) as connection:
        deleted = connection.execute("DELETE FROM turns WHERE conversation_id = ?", (conversation_id,)).rowcount
        if not deleted:
            kept = [name for name, *_ in connection.execute("SELECT DISTINCT conversation_id FROM turns")]
            raise UnknownConversationError(conversation_id, path, kept)
        _note(path, connection)
    return deleted


def forget_all(path: Path) -> int:
    """Delete all conversations, those in damaged stores too; returns how many questions they had.

    Blocking. Raises StoreError.
    """
    with _opened(path) as connection:
        deleted = connection.execute("DELETE FROM turns").rowcount
        _note(path, connection)
    for aside in set_aside_files(path):
        aside.unlink(missing_ok=True)
    return deleted


def _listed(path: Path) -> str:
    with _opened(path) as connection:
        rows = connection.execute(
            "SELECT conversation_id, COUNT(*), MAX(created) FROM turns GROUP BY conversation_id ORDER BY MAX(created)"
        ).fetchall()
    if not rows:
        return f"{path} keeps no conversation\n"
    lines = [
        f"{conversation_id}  ({_counted(count)}, the last at {_local(created)})"
        for conversation_id, count, created in rows
    ]
    return "\n".join([f"{path} keeps", *lines, "Name one to forget it, or give --all."]) + "\n"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(open_existing(path)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise explained(path, error) from None


def _note(path: Path, connection: sqlite3.Connection) -> None:
    """Have a bridge that kept conversations in memory meanwhile not write them, and leave nothing in the log.

    The write-ahead log holds what was deleted until it is written over.
    """
    connection.execute("DELETE FROM forgotten")
    connection.execute("INSERT INTO forgotten VALUES (?)", (time.time(),))
    (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreError(path, "was read while it was to be cleared", "what was said may still be in it: try again")


def _counted(questions: int) -> str:
    return f"{questions} question{'' if questions == 1 else 's'} and what was answered"


def _local(created: float) -> str:
    return datetime.fromtimestamp(created, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
