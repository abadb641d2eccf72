"""What fails again and again: how often it is tried, and how often a log is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


class Outage:
    """Tells a log of something that fails: the first failure of a row and its end as warnings, the rest in detail."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self.failing = False

    def failed(self, message: str, *args: object) -> None:
        """Note a failure; message and args as for a logger."""
        log = self._logger.debug if self.failing else self._logger.warning
        log(message, *args)
        self.failing = True

    def worked(self, message: str, *args: object) -> None:
        """Note that it works, which is told only after a failure."""
        if self.failing:
            self._logger.warning(message, *args)
        self.failing = False


@dataclass(slots=True)
class Backoff:
    """How long to wait before the next try, in seconds: twice as long after each, up to the longest."""

    first_s: float
    longest_s: float
    _next_s: float | None = None

    def next_s(self) -> float:
        """Return the wait that is due now."""
        wait_s = self.first_s if self._next_s is None else self._next_s
        self._next_s = min(2 * wait_s, self.longest_s)
        return wait_s

    def reset(self) -> None:
        """Begin with the first wait again: it worked meanwhile."""
        self._next_s = None
