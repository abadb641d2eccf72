"""Read the conversations of a store: `python -m interject.servers.llm.history --store PATH [--conversation ID]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interject.servers.llm.settings import default_store
from interject.servers.llm.store import read_conversations
from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.servers.llm.turns import Message


def read_history(path: Path, conversation_id: str) -> list[Message]:
    """Return a conversation as the model would see it, oldest message first, empty if unknown; raises StoreError.

    It blocks for some milliseconds, and works while the server runs.
    """
    return read_conversations(path).get(conversation_id, [])


def as_json(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages as [{role, content, interrupted}]."""
    return [
        {"role": message.role.value, "content": message.content, "interrupted": message.interrupted}
        for message in messages
    ]


def main() -> int:
    """Print one conversation as a list, or all of them as an object of lists; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m interject.servers.llm.history", description="Print stored conversations."
    )
    parser.add_argument("--store", type=Path, default=default_store(os.environ), metavar="PATH")
    parser.add_argument("--conversation", metavar="ID", help="print this one; all of them without it")
    arguments = parser.parse_args()
    try:
        conversations = {key: as_json(messages) for key, messages in read_conversations(arguments.store).items()}
    except InterjectError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    shown = conversations if arguments.conversation is None else conversations.get(arguments.conversation, [])
    sys.stdout.write(json.dumps(shown, ensure_ascii=False, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
