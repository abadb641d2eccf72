"""Fair order of events between connections, and a rate limit an address: a flood must not hold up sound, nor others."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.wire.admission import AccessRules

# A minute of speech that is sent as fast as it goes is some 1,300 chunks.
_BURST_EVENTS = 4000.0
# So much JSON takes as long to parse as a small event takes in all, if it is of the worst kind that is let through.
_BYTES_LIKE_AN_EVENT = 3072
# A timer costs as much as an event: some are waited for in one go.
_SHORTEST_WAIT_S = 0.01
# Of how many it is known how fast they were, before those who have rested are forgotten.
_ADDRESSES = 1000


class Turnstile:
    """Lets one event through in each turn of the event loop, so that everything else gets its turn in between."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._taken = asyncio.Event()

    async def enter(self) -> None:
        """Wait for a turn that nobody has taken yet; who waits for longest has the next."""
        loop = asyncio.get_running_loop()
        if not self._taken.is_set():
            self._taken.set()
            loop.call_soon(self._turned)
            return
        waiting: asyncio.Future[None] = loop.create_future()
        self._waiting.append(waiting)
        await waiting

    def _turned(self) -> None:
        while self._waiting:
            following = self._waiting.popleft()
            if not following.done():
                following.set_result(None)
                asyncio.get_running_loop().call_soon(self._turned)
                return
        self._taken.clear()


class EventRate:
    """How fast the connections of an address may send events; who is faster is read more slowly."""

    def __init__(self, events_per_s: float, now: float) -> None:
        self._events_per_s = events_per_s
        self._left = _BURST_EVENTS
        # Until when what was earned is counted.
        self._at = now

    def wait_s(self, now: float, events: float, waiting: int) -> float:
        """Count what is worth so many events, and return how long its connection has to wait before the next.

        waiting: how many connections of the address wait already; together they are as fast as one alone. A bystander
        at the same address waits no longer than its own few events are worth.
        """
        self._left = min(_BURST_EVENTS, self._left + max(0.0, now - self._at) * self._events_per_s)
        self._at = max(self._at, now)
        if self._left >= events:
            self._left -= events
            return 0.0
        # What the address earns meanwhile is spent.
        self._at += events / self._events_per_s
        return events * (1 + waiting) / self._events_per_s

    def rested(self, now: float) -> bool:
        """Tell whether nothing has to be known of the past any more."""
        return self._left + (now - self._at) * self._events_per_s >= _BURST_EVENTS


class Pacing:
    """The pace of all connections of a service."""

    def __init__(self, rules: AccessRules) -> None:
        self._rules = rules
        self._turnstile = Turnstile()
        self._rates: dict[str | None, EventRate] = {}
        # How many connections of an address are being slowed down.
        self._slowed: dict[str | None, int] = {}

    def of(self, address: str | None) -> Pace:
        """Give a connection its pace; that of its address is shared."""
        return Pace(self, address)

    async def enter(self) -> None:
        """Wait for a turn of the event loop."""
        await self._turnstile.enter()

    def wait_s(self, address: str | None, events: float) -> float:
        """Count what an address has just sent, and return how long that is worth, where it sends too fast."""
        events_per_s = self._rules.events_per_s(address)
        if events_per_s is None:
            return 0.0
        now = asyncio.get_running_loop().time()
        rate = self._rates.get(address) or self._newcomer(address, EventRate(events_per_s, now), now)
        return rate.wait_s(now, events, self._slowed.get(address, 0))

    async def slow_down(self, address: str | None, wait_s: float) -> None:
        """Wait as one of those that an address has to wait for."""
        self._slowed[address] = self._slowed.get(address, 0) + 1
        try:
            await asyncio.sleep(wait_s)
        finally:
            self._slowed[address] -= 1
            if not self._slowed[address]:
                del self._slowed[address]

    def _newcomer(self, address: str | None, rate: EventRate, now: float) -> EventRate:
        # Not as soon as an address has no connection any more: who connects anew has no right to another burst.
        if len(self._rates) >= _ADDRESSES:
            self._rates = {known: its for known, its in self._rates.items() if not its.rested(now)}
        self._rates[address] = rate
        return rate


class Pace:
    """The pace of one connection."""

    def __init__(self, pacing: Pacing, address: str | None) -> None:
        self._pacing = pacing
        self._address = address
        self._events = 0.0
        self._owed_s = 0.0

    async def turn(self, size: int) -> None:
        """Wait for a turn of the event loop in which so many bytes of JSON are taken."""
        self._events += max(1.0, size / _BYTES_LIKE_AN_EVENT)
        await self._pacing.enter()

    async def slow_down(self) -> None:
        """Wait before the next event, if the address sends too fast."""
        self._owed_s += self._pacing.wait_s(self._address, self._events)
        self._events = 0.0
        if self._owed_s >= _SHORTEST_WAIT_S:
            owed_s, self._owed_s = self._owed_s, 0.0
            await self._pacing.slow_down(self._address, owed_s)
