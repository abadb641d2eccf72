"""The conversations, on a thread of their own so that no disk ever holds up the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from interject.servers.llm.conversations import all_messages
from interject.servers.llm.keeper import Keeper
from interject.servers.llm.sqlite_repository import opened_existing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from interject.servers.llm.conversations import Begun, Corrected, Memory
    from interject.servers.llm.matching import Speaker
    from interject.servers.llm.turns import Interruption, Message

T = TypeVar("T")
_LOGGER = logging.getLogger(__name__)

# How late it may be seen that a file is to be tried again, or that something has expired.
_LOOK_EVERY_S = 5.0


class Store:
    """The conversations; every method's work is done in the order of the calls.

    That order is what lets an interruption win over the reply that was stored a moment before it. A write that was
    begun is done even when its caller is cancelled. No method fails for the disk's sake: see Keeper.
    """

    def __init__(
        self,
        path: Path,
        memory: Memory,
        engine: str,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`engine` writes the replies; `clock` tells the time in seconds since 1970."""
        self.path = path
        self._keeper = Keeper(path, memory, engine, clock, monotonic)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="conversations")
        self._looking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open or create the file, and delete what has expired; raises StoreError where it can never be used."""
        try:
            await self._run(self._keeper.open)
        except BaseException:
            await self.close()
            raise
        self._looking = asyncio.create_task(self._look_again(), name="conversations on disk")

    async def close(self) -> None:
        """Finish what was asked for, and close the file."""
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking
        await self._run(self._keeper.close)
        self._worker.shutdown(wait=False)

    async def begin(self, conversation_id: str, speaker: Speaker, epoch: int | None, asked: str) -> Begun:
        """Store what the user said."""
        return await self._run(
            lambda: self._keeper.do(
                lambda turns: turns.begin(conversation_id, speaker, epoch, asked), lambda begun: begun.turn_id
            )
        )

    async def complete(self, turn_id: int, reply: str) -> None:
        """Store a reply that was generated to its end."""
        await self._run(lambda: self._keeper.do(lambda turns: turns.complete(turn_id, reply), lambda done: done))

    async def fail(self, turn_id: int) -> None:
        """Note that a reply could not be generated."""
        await self._run(lambda: self._keeper.do(lambda turns: turns.fail(turn_id), lambda done: done))

    async def interrupt(
        self,
        speaker: Speaker,
        interruption: Interruption,
        written: Mapping[int, str],
        being_written: Collection[int] = (),
    ) -> Corrected:
        """Cut a reply to what was heard.

        `written`: by the turn, the text of replies that may not be stored as a whole; `being_written`: the turns whose
        reply agrees with the interruption as far as it is written.
        """
        return await self._run(
            lambda: self._keeper.do(
                lambda turns: turns.interrupt(speaker, interruption, written, being_written),
                lambda corrected: corrected.turn_id,
            )
        )

    async def messages(self, conversation_id: str) -> list[Message]:
        """Return a conversation as the model sees it, oldest message first."""
        return await self._run(lambda: self._keeper.do(lambda turns: turns.messages(conversation_id), lambda _: None))

    async def look(self) -> None:
        """Do what an open store does by itself every half a minute: try a failed file, delete what has expired."""
        await self._run(self._keeper.look)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._worker, work))

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                await self.look()
            except Exception:
                _LOGGER.exception("looking after %s failed", self.path)


def read_conversations(path: Path) -> dict[str, list[Message]]:
    """Read all that a store keeps of each conversation, also one in use; blocking. Raises StoreError."""
    with opened_existing(path) as repository:
        return all_messages(repository)
