"""How long tests wait for what must happen, and what they say when it was in vain.

A test asserts order and content. What it waits for takes milliseconds on an idle machine and has no deadline on a busy
one; after PATIENCE_S it is taken for something that will never happen.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from pathlib import Path

T = TypeVar("T")

# A process that loads its models is ready in 2 s on two idle cores, and took up to 10 s beside other work.
PATIENCE_S = 60.0
# Often enough that waiting adds nothing to a test, seldom enough that it costs nothing.
_POLL_S = 0.01
# What one look needs to tell a failure by; the whole file stays in the test's folder.
_TAIL_LINES = 25


@asynccontextmanager
async def expecting(what: str, patience_s: float = PATIENCE_S) -> AsyncIterator[None]:
    """Fail where the block does not end in time; `what` says who was to do what: "the satellite to pause"."""
    __tracebackhide__ = True
    limit = asyncio.timeout(patience_s)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise AssertionError(_unmet(what, patience_s)) from None


async def eventually(condition: Callable[[], T], what: str, patience_s: float = PATIENCE_S) -> T:
    """Wait, on the event loop's clock, until a condition holds; returns what it gave."""
    __tracebackhide__ = True
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + patience_s
    while not (found := condition()):
        if loop.time() > deadline_s:
            raise AssertionError(_unmet(what, patience_s))
        await asyncio.sleep(_POLL_S)
    return found


def wait_until(condition: Callable[[], T], what: str, patience_s: float = PATIENCE_S) -> T:
    """Wait until a condition holds, where no event loop runs; returns what it gave."""
    __tracebackhide__ = True
    deadline_s = time.monotonic() + patience_s
    while not (found := condition()):
        if time.monotonic() > deadline_s:
            raise AssertionError(_unmet(what, patience_s))
        time.sleep(_POLL_S)
    return found


@contextmanager
def showing(files: Callable[[], Iterable[Path]]) -> Iterator[None]:
    """Add the end of each file to what fails in the block: the logs and records of the processes it started."""
    try:
        yield
    except BaseException as error:
        show(error, files())
        raise


def show(error: BaseException, files: Iterable[Path]) -> None:
    """Add the end of each file that exists to an error."""
    for path in files:
        if path.exists():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            error.add_note(
                "\n".join([f"--- the end of {path.name}, {len(lines)} lines ({path}):", *lines[-_TAIL_LINES:]])
            )


def _unmet(what: str, patience_s: float) -> str:
    return f"expected {what}: not within {patience_s:g} s"
