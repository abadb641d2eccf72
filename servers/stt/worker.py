"""Blocking work off the event loop, and how many may do it at a time."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from interject.servers.fair_wait import FairWait
from interject.servers.stt.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from interject.servers.fair_queue import Owner
    from interject.servers.fair_wait import Turn

T = TypeVar("T")

# Whoever dictates for minutes, at all seats, must not keep another room from saying "stop".
_SPARE = 1

_Job = tuple["Future[Any]", "Callable[[], Any]"]


class Worker:
    """A thread that does one job after the other.

    The thread is a daemon: a decoding in a foreign library cannot be stopped, and must not hold up the end of the
    process, which is what the executors of the standard library would do.
    """

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Do a job after those before it."""
        future: Future[T] = Future()
        self._jobs.put((future, job))
        return future

    async def run(self, job: Callable[[], T]) -> T:
        """Do a job and wait for its result; cancelled, it is left out unless it has begun."""
        return await asyncio.wrap_future(self.submit(job))

    def close(self) -> None:
        """End the thread after the jobs before."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            future, job = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the result
                future.set_exception(error)


class Seats:
    """Bounded places to work at, each with a worker, which is made when first needed; see FairWait for who gets one."""

    def __init__(self, seats: int, waiting: int) -> None:
        self._workers: list[Worker] = []
        self._free: list[Worker] = []
        self._wait = FairWait(seats, waiting, lambda: BusyError(seats, self._wait.waiting), _SPARE)

    @contextlib.asynccontextmanager
    async def seat(self, owner: Owner) -> AsyncIterator[Worker]:
        """Wait for a seat and hold it; raises BusyError when too many wait, or for too long.

        A seat that is left with work under way goes to the next one when that work has ended.
        """
        turn = await self._wait.enter(owner)
        worker = self._free.pop() if self._free else self._hire()
        try:
            yield worker
        finally:
            loop = asyncio.get_running_loop()
            worker.submit(lambda: None).add_done_callback(lambda _: _call_soon(loop, lambda: self._leave(worker, turn)))

    def _hire(self) -> Worker:
        worker = Worker("transcriber")
        self._workers.append(worker)
        return worker

    def _leave(self, worker: Worker, turn: Turn) -> None:
        self._free.append(worker)
        self._wait.leave(turn)

    def close(self) -> None:
        """End the threads, each after the work it has."""
        for worker in self._workers:
            worker.close()


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    # The loop is gone when the process is ending: then no one waits for the seat.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
