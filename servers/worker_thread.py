"""Blocking work off the event loop, in threads that never hold up the end of the process."""

from __future__ import annotations

import asyncio
import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_Job = tuple["Future[Any]", "Callable[[], Any]"]


class WorkerThread:
    """A thread that does one job after the other.

    The thread is a daemon: a decoding in a foreign library, or a download from a host that never answers, cannot be
    stopped, and the executors of the standard library would wait for it when the process ends.
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


def start_in_thread(job: Callable[[], T], name: str) -> Future[T]:
    """Do one job in a thread of its own."""
    worker = WorkerThread(name)
    result = worker.submit(job)
    worker.close()
    return result


async def run_in_thread(job: Callable[[], T], name: str) -> T:
    """Do one job in a thread of its own and wait for its result."""
    return await asyncio.wrap_future(start_in_thread(job, name))
