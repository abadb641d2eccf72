"""Everything that went over the fake's connections, and waiting for more of it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.testing.patience import PATIENCE_S, expecting

if TYPE_CHECKING:
    from collections.abc import Callable

    from wyoming.event import Event

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """One event: when (event loop's clock), on which connection, and whether the satellite sent it."""

    t: float
    connection: int
    from_satellite: bool
    event: Event

    def __str__(self) -> str:
        arrow = "<-" if self.from_satellite else "->"
        size = f" +{len(self.event.payload)} bytes" if self.event.payload else ""
        return f"{self.t:9.3f} #{self.connection} {arrow} {self.event.type} {self.event.data or ''}{size}"


class WireLog:
    """Collects entries, and wakes whoever waits for one."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._by_kind: defaultdict[tuple[str, bool], list[Entry]] = defaultdict(list)
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def add(self, connection: int, event: Event, *, from_satellite: bool) -> None:
        """Record an event."""
        entry = Entry(asyncio.get_running_loop().time(), connection, from_satellite, event)
        self.entries.append(entry)
        self._by_kind[event.type, from_satellite].append(entry)
        self.changed()

    def forget(self) -> None:
        """Drop all entries; counting begins anew."""
        self.entries.clear()
        self._by_kind.clear()

    def changed(self) -> None:
        """Look again at what is waited for."""
        for condition, future in self._waiting:
            if not future.done() and condition():
                future.set_result(None)

    def of(self, kind: str, *, from_satellite: bool) -> list[Entry]:
        """Return the entries of a kind."""
        return list(self._by_kind[kind, from_satellite])

    async def until(self, condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
        """Wait until something holds; fails with the end of the log. `what` says who is to do what."""
        if condition():
            return
        waiting = (condition, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            async with expecting(what, patience_s):
                await waiting[1]
        except AssertionError as error:
            error.add_note(f"--- the wire:\n{self}")
            raise
        finally:
            self._waiting.remove(waiting)

    def __str__(self) -> str:
        return "\n".join(str(entry) for entry in self.entries[-_SHOWN:])
