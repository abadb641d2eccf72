"""Guards around every test: no leaked task, no leaked thread, no blocking call in an event loop, no lost error."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from blockbuster import BlockBuster, BlockingError

from interject.satellite.turn.machine import UndeclaredTransitionError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

# What a test started may still be winding up when it ends, such as a recogniser's pass, which cannot be stopped.
GRACE_S = 30.0
MARKERS = ("allow_tasks", "allow_threads", "allow_blocking", "allow_lost_errors")


class LostErrors(logging.Handler):
    """Collects errors that only the log tells of: in the event loop, in the turn machine, or a blocking call caught."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.blocking: list[str] = []
        self.in_loop: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, BlockingError):
            self.blocking.append(logging.Formatter().formatException(record.exc_info) if record.exc_info else "")
        elif isinstance(error, UndeclaredTransitionError) or (
            record.name == "asyncio" and record.levelno >= logging.ERROR
        ):
            self.in_loop.append(logging.Formatter().format(record))


def allowed(request: pytest.FixtureRequest, marker: str) -> bool:
    found = request.node.get_closest_marker(marker)
    if found is None:
        return False
    if not (found.args and isinstance(found.args[0], str) and found.args[0].strip()):
        pytest.fail(f"say why: @pytest.mark.{marker}('reason')", pytrace=False)
    return True


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", f"{marker}(reason): switch that guard off for a test that has to")


@pytest.fixture(scope="session")
def blockbuster() -> BlockBuster:
    """Detect blocking calls made by our packages, as tests themselves may well read a file."""
    detector = BlockBuster(["interject"])
    # A trace is off unless asked for, and a line of it goes to the page cache.
    detector.functions["io.TextIOWrapper.write"].can_block_in("wire/trace.py", {"emit"})
    return detector


@pytest.fixture(autouse=True)
def no_leaked_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    if allowed(request, "allow_threads"):
        return
    deadline = time.monotonic() + GRACE_S
    while leaked := [thread for thread in threading.enumerate() if thread not in before]:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            break
        leaked[0].join(left_s)
    if leaked:
        names = "\n  ".join(repr(thread) for thread in leaked)
        pytest.fail(
            f"guard: the test left {len(leaked)} thread(s) running; close what started them:\n  {names}", pytrace=False
        )


@pytest.fixture(autouse=True)
def no_blocking_call(request: pytest.FixtureRequest, blockbuster: BlockBuster) -> Iterator[None]:
    """Make a blocking call in the event loop raise BlockingError where it is made."""
    lost = LostErrors()
    logging.getLogger().addHandler(lost)
    may_block = allowed(request, "allow_blocking")
    if not may_block:
        blockbuster.activate()
    try:
        yield
    finally:
        blockbuster.deactivate()
        logging.getLogger().removeHandler(lost)
    if lost.blocking and not may_block:
        pytest.fail(f"guard: a blocking call in the event loop:\n{lost.blocking[0]}", pytrace=False)
    if lost.in_loop and not allowed(request, "allow_lost_errors"):
        pytest.fail(f"guard: an error reached nobody but the event loop:\n{lost.in_loop[0]}", pytrace=False)


@pytest.fixture(autouse=True)
def no_leaked_task(request: pytest.FixtureRequest, no_leaked_thread: None, no_blocking_call: None) -> None:
    if inspect.iscoroutinefunction(getattr(request.node, "function", None)) and not allowed(request, "allow_tasks"):
        request.getfixturevalue("no_task_left_in_the_loop")


@pytest.fixture
async def no_task_left_in_the_loop() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    leaked = asyncio.all_tasks() - before - {asyncio.current_task()}
    if leaked:
        _, leaked = await asyncio.wait(leaked, timeout=GRACE_S)
    if leaked:
        names = "\n  ".join(f"{task.get_name()}: {task.get_coro()}" for task in leaked)
        for task in leaked:
            task.cancel()
        await asyncio.wait(leaked, timeout=GRACE_S)
        pytest.fail(
            f"guard: the test left {len(leaked)} task(s) running; cancel and await them:\n  {names}", pytrace=False
        )


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the source tree."""
    return Path(__file__).resolve().parent.parent
