"""How many utterances are recognised at a time, and on which threads."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from interject.servers.fair_queue import FairWait
from interject.servers.stt.errors import BusyError
from interject.servers.worker_thread import WorkerThread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from interject.servers.fair_queue import Owner, Turn

# Somebody who dictates for minutes, on all workers, must not keep another room from saying "stop".
_SPARE = 1


class WorkerPool:
    """A bounded number of worker threads, each made when first needed; FairWait decides who gets the next free one."""

    def __init__(self, workers: int, waiting: int) -> None:
        self._workers: list[WorkerThread] = []
        self._free: list[WorkerThread] = []
        self._wait = FairWait(workers, waiting, lambda: BusyError(workers, self._wait.waiting), _SPARE)

    @contextlib.asynccontextmanager
    async def worker(self, owner: Owner) -> AsyncIterator[WorkerThread]:
        """Wait for a worker and hold it; raises BusyError when too many wait, or for too long.

        A worker that is left with work under way is free when that work has ended.
        """
        turn = await self._wait.enter(owner)
        worker = self._free.pop() if self._free else self._start()
        try:
            yield worker
        finally:
            loop = asyncio.get_running_loop()
            worker.submit(lambda: None).add_done_callback(lambda _: _call_soon(loop, lambda: self._leave(worker, turn)))

    def _start(self) -> WorkerThread:
        worker = WorkerThread("transcriber")
        self._workers.append(worker)
        return worker

    def _leave(self, worker: WorkerThread, turn: Turn) -> None:
        self._free.append(worker)
        self._wait.leave(turn)

    def close(self) -> None:
        """End the threads, each after the work it has."""
        for worker in self._workers:
            worker.close()


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    # The loop is gone when the process is ending: then no one waits for the worker.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
