"""An event loop whose time jumps to the next timer as soon as nothing is left to do now.

Work in executor threads is real: virtual time stands still until it is done.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

# A file descriptor that is watched may become ready for a reason outside this process: real time given to it
# before the loop is called stuck.
OUTSIDE_EVENT_S = 1.0

# The event loop itself watches one descriptor: the pipe that wakes it from other threads.
OWN_DESCRIPTORS = 1


class NothingCanHappenError(RuntimeError):
    """Every task waits, no timer runs, and no thread or descriptor could wake anything."""

    def __init__(self, now: float, waiting: list[str]) -> None:
        super().__init__(f"deadlock at {now:.3f} s of virtual time; waiting: {'; '.join(waiting) or 'nothing'}")


class _Selector(selectors.DefaultSelector):
    """Advances the clock instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.real_jobs = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.real_jobs:
            return super().select(None)
        if timeout is not None:
            self.now += max(0.0, timeout)
            return ready
        if len(self.get_map()) > OWN_DESCRIPTORS:
            ready = super().select(OUTSIDE_EVENT_S)
        if not ready:
            raise NothingCanHappenError(self.now, [repr(task.get_coro()) for task in asyncio.all_tasks()])
        return ready


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """Runs the code unchanged, in no more real time than its work takes; starts at 0 s."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._virtual.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Run in a thread, as ever; the clock waits for it."""
        self._virtual.real_jobs += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._real_job_done)
        return future

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        """Wait for the default executor's threads; the clock waits too."""
        self._virtual.real_jobs += 1
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self._virtual.real_jobs -= 1

    def _real_job_done(self, _future: asyncio.Future[Any]) -> None:
        self._virtual.real_jobs -= 1


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a virtual clock that starts at 0 s."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        return runner.run(main)


async def elapse(seconds: float) -> None:
    """Let seconds of virtual time pass; fails on a real clock, where a test must wait for what happens instead."""
    assert isinstance(asyncio.get_running_loop(), VirtualClockLoop), "elapse() needs the virtual clock"
    await asyncio.sleep(seconds)
