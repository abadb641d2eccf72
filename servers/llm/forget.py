"""`interject-llm forget`: delete what was said from the store, also while the bridge runs."""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interject.servers.llm.database import set_aside_files
from interject.servers.llm.errors import UnknownConversationError
from interject.servers.llm.settings import LlmSettings, default_store
from interject.servers.llm.sqlite_repository import opened_existing
from interject.wire.settings import load

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    with opened_existing(path) as turns:
        forgotten = turns.forget(conversation_id, time.time())
        if not forgotten:
            kept = [summary.conversation_id for summary in turns.summaries()]
            raise UnknownConversationError(conversation_id, path, kept)
    return forgotten


def forget_all(path: Path) -> int:
    """Delete all conversations, those in damaged stores too; returns how many questions they had.

    Blocking. Raises StoreError.
    """
    with opened_existing(path) as turns:
        forgotten = turns.forget_all(time.time())
    for aside in set_aside_files(path):
        aside.unlink(missing_ok=True)
    return forgotten


def _listed(path: Path) -> str:
    with opened_existing(path) as turns:
        summaries = turns.summaries()
    if not summaries:
        return f"{path} keeps no conversation\n"
    lines = [
        f"{summary.conversation_id}  ({_counted(summary.turns)}, the last at {_local(summary.last_asked)})"
        for summary in summaries
    ]
    return "\n".join([f"{path} keeps", *lines, "Name one to forget it, or give --all."]) + "\n"


def _counted(questions: int) -> str:
    return f"{questions} question{'' if questions == 1 else 's'} and what was answered"


def _local(created: float) -> str:
    return datetime.fromtimestamp(created, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
