"""One at a time, in the order in which they came."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


class FifoLock:
    """A lock that threads get first come, first served; hold it with `with`, not twice by one thread.

    `threading.Lock` has no order: a thread that gives it back and asks again mostly gets it again at once.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()

    @property
    def waiting(self) -> int:
        """How many threads wait for a turn."""
        return len(self._waiting)

    def __enter__(self) -> None:
        mine = threading.Event()
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            self._waiting.append(mine)
        mine.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False

    @contextlib.contextmanager
    def if_free(self) -> Iterator[bool]:
        """Hold it if nobody does, without waiting; gives whether that is so."""
        with self._guard:
            mine = not self._taken
            self._taken = True
        try:
            yield mine
        finally:
            if mine:
                self.__exit__(None, None, None)
