"""Blocking work that may hang for good, off the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


async def in_background(job: Callable[[], T], name: str) -> T:
    """Run a job in a thread of its own and return its result.

    The thread is a daemon: a download from a host that never answers must not hold up the end of the process, which is
    what the executors of the standard library would do.
    """
    result: Future[T] = Future()

    def work() -> None:
        # The event loop may be gone by the time that the job has ended.
        with contextlib.suppress(RuntimeError):
            try:
                value = job()
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                result.set_exception(error)
            else:
                result.set_result(value)

    result.set_running_or_notify_cancel()
    threading.Thread(target=work, name=name, daemon=True).start()
    return await asyncio.wrap_future(result)
