"""The conversations, on a thread of their own so that no disk ever holds up the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from interject.servers.llm.conversations import all_messages
from interject.servers.llm.failover import FailoverStorage
from interject.servers.llm.sqlite_repository import opened_existing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from interject.servers.llm.conversations import Begun, Corrected, Retention
    from interject.servers.llm.interruptions import Interruption
    from interject.servers.llm.turns import Message, Origin

T = TypeVar("T")
_LOGGER = logging.getLogger(__name__)

# A file is tried again, and expired turns are deleted, at most this much after they are due.
_MAINTAIN_EVERY_S = 5.0


class Store:
    """The conversations; every method's work is done in the order of the calls.

    That order is what lets an interruption win over the reply that was stored a moment before it. A write that was
    begun is done even when its caller is cancelled. No method fails for the disk's sake: see FailoverStorage.
    """

    def __init__(
        self,
        path: Path,
        retention: Retention,
        engine: str,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`engine` writes the replies; `clock` tells the time in seconds since 1970."""
        self.path = path
        self._storage = FailoverStorage(path, retention, engine, clock, monotonic)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="conversations")
        self._maintaining: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open or create the file, and delete what has expired; raises StoreError where it can never be used."""
        try:
            await self._run(self._storage.open)
        except BaseException:
            await self.close()
            raise
        self._maintaining = asyncio.create_task(self._keep_maintained(), name="conversations on disk")

    async def close(self) -> None:
        """Finish what was asked for, and close the file."""
        if self._maintaining is not None:
            self._maintaining.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._maintaining
        await self._run(self._storage.close)
        self._worker.shutdown(wait=False)

    async def begin(self, conversation_id: str, origin: Origin, epoch: int | None, asked: str) -> Begun:
        """Store what the user said; returns the new turn, and the conversation with it."""
        return await self._run(
            lambda: self._storage.do(
                lambda turns: turns.begin(conversation_id, origin, epoch, asked), lambda begun: begun.turn_id
            )
        )

    async def complete(self, turn_id: int, reply: str) -> None:
        """Store a reply that was generated to its end."""
        await self._run(lambda: self._storage.do(lambda turns: turns.complete(turn_id, reply), lambda done: done))

    async def fail(self, turn_id: int) -> None:
        """Note that a reply could not be generated."""
        await self._run(lambda: self._storage.do(lambda turns: turns.fail(turn_id), lambda done: done))

    async def interrupt(
        self,
        origin: Origin,
        interruption: Interruption,
        written: Mapping[int, str],
        being_written: Collection[int] = (),
    ) -> Corrected:
        """Cut the stored reply to what was heard, if one is found; returns what the history says of it then.

        `written`: by the turn, the text of replies that may not be stored as a whole; `being_written`: the turns whose
        reply agrees with the interruption as far as it is written.
        """
        return await self._run(
            lambda: self._storage.do(
                lambda turns: turns.interrupt(origin, interruption, written, being_written),
                lambda corrected: corrected.turn_id,
            )
        )

    async def messages(self, conversation_id: str) -> list[Message]:
        """Return a conversation as the model sees it, oldest message first."""
        return await self._run(lambda: self._storage.do(lambda turns: turns.messages(conversation_id), lambda _: None))

    async def maintain(self) -> None:
        """Try a failed file again, and delete what has expired, each where it is due; an open store does so itself."""
        await self._run(self._storage.maintain)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._worker, work))

    async def _keep_maintained(self) -> None:
        while True:
            await asyncio.sleep(_MAINTAIN_EVERY_S)
            try:
                await self.maintain()
            except Exception:
                _LOGGER.exception("looking after %s failed", self.path)


def read_conversations(path: Path) -> dict[str, list[Message]]:
    """Read all that a store keeps of each conversation, also one in use; blocking. Raises StoreError."""
    with opened_existing(path) as repository:
        return all_messages(repository)
