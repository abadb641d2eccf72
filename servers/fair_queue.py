"""Fair order of those that wait for a bounded number of places: hosts take turns, and at one host its rooms do."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from interject.wire.admission import AccessRules
    from interject.wire.errors import RequestError
    from interject.wire.peer import Peer


T = TypeVar("T")


# A satellite that hears nothing for 8 s gives up: why comes before that.
MOST_WAIT_S = 7.0


@dataclass(frozen=True, slots=True)
class Owner:
    """What a job counts for: a `host`, which has one share however many of its rooms wait, and a `room` of it."""

    host: Hashable
    room: Hashable

    def shares(self) -> tuple[Hashable, Hashable]:
        """Return what counts: the host, and the room of that host."""
        return (self.host,), (self.host, self.room)


# Two places are never the same, whatever stands in them.
@dataclass(frozen=True, slots=True, eq=False)
class Place(Generic[T]):
    """A job that waits or is under way."""

    owner: Owner
    item: T


class FairQueue(Generic[T]):
    """Jobs that wait, and those under way.

    The next one is of the host with fewest under way, of several such hosts the one whose last turn ended first; in the
    same way of a room of that host; of a room's jobs the oldest. So nobody waits for more than one turn of each other
    host and of each other room of its own.
    """

    def __init__(self) -> None:
        self._waiting: dict[Place[T], None] = {}
        self._under_way: dict[Place[T], None] = {}
        # By share: how many jobs wait, are under way, and when it came or its last turn ended, as a number counted up.
        self._wait: Counter[Hashable] = Counter()
        self._busy: Counter[Hashable] = Counter()
        self._since: dict[Hashable, int] = {}
        self._now = 0

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    @property
    def under_way(self) -> int:
        """How many jobs are under way."""
        return len(self._under_way)

    def join(self, owner: Owner, item: T) -> Place[T]:
        """Have a job wait."""
        place = Place(owner, item)
        self._now += 1
        for share in owner.shares():
            self._since.setdefault(share, self._now)
            self._wait[share] += 1
        self._waiting[place] = None
        return place

    def next(self) -> Place[T] | None:
        """Take the job whose turn it is; None when none waits."""
        place = min(self._waiting, key=self._rank, default=None)
        if place is not None:
            del self._waiting[place]
            self._under_way[place] = None
            for share in place.owner.shares():
                self._wait[share] -= 1
                self._busy[share] += 1
        return place

    def next_of_another_host(self) -> Place[T] | None:
        """Take the job whose turn it is, if all under way are of one host and it is of another one."""
        hosts = {place.owner.host for place in self._under_way}
        following = min(self._waiting, key=self._rank, default=None)
        return self.next() if following is not None and len(hosts) == 1 and following.owner.host not in hosts else None

    def leave(self, place: Place[T]) -> None:
        """Forget a job: it waits no longer, or has ended; one that is not here is left alone."""
        if place in self._waiting:
            del self._waiting[place]
            counts = self._wait
        elif place in self._under_way:
            del self._under_way[place]
            counts = self._busy
        else:
            return
        self._now += 1
        for share in place.owner.shares():
            counts[share] -= 1
            if not (self._wait[share] or self._busy[share]):
                del self._wait[share], self._busy[share], self._since[share]
            elif counts is self._busy:
                self._since[share] = self._now

    def last_of_most(self) -> Place[T] | None:
        """Return the job that has to go: the newest of the room that has most waiting, of the host that has most."""
        host_first = {place: tuple(self._wait[share] for share in place.owner.shares()) for place in self._waiting}
        return max(reversed(host_first), key=host_first.__getitem__, default=None)

    def _rank(self, place: Place[T]) -> tuple[tuple[int, int], ...]:
        return tuple((self._busy[share], self._since[share]) for share in place.owner.shares())


def owner_of(peer: Peer, context: object, rules: AccessRules) -> Owner:
    """Return the owner of a peer's request: its address, and there its satellite, else its connection.

    context: that of the request, which may name the `satellite_id`. Rooms behind a trusted proxy share its address, so
    each of them counts as a host.
    """
    named = context.get("satellite_id") if isinstance(context, dict) else None
    room = named if isinstance(named, str) and named else peer
    return Owner(room if rules.is_proxy(peer.address) else peer.address, room)


Turn = Place[asyncio.Future[None]]


class FairWait:
    """Some work, some wait; one too many is refused: the newest of those who have most waiting."""

    def __init__(self, places: int, most_waiting: int, refusal: Callable[[], RequestError], spare: int = 0) -> None:
        """`refusal` makes the error for a job that is refused, or has waited for MOST_WAIT_S.

        spare: places more, for another host where one has all.
        """
        self._places = places
        self._spare = spare
        self._most_waiting = most_waiting
        self._refusal = refusal
        self._queue: FairQueue[asyncio.Future[None]] = FairQueue()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._queue.waiting

    async def enter(self, owner: Owner) -> Turn:
        """Wait for a place and take it, until `leave`; raises RequestError where it is refused."""
        turn = self._queue.join(owner, asyncio.get_running_loop().create_future())
        try:
            self._call_up()
            self._make_room()
            async with asyncio.timeout(MOST_WAIT_S):
                await turn.item
        except TimeoutError:
            self.leave(turn)
            raise self._refusal() from None
        except BaseException:
            self.leave(turn)
            raise
        return turn

    def leave(self, turn: Turn) -> None:
        """Give a place back, or wait no longer."""
        self._queue.leave(turn)
        self._call_up()

    def _call_up(self) -> None:
        while (turn := self._next()) is not None:
            # One that was cancelled in this moment leaves by itself.
            if not turn.item.done():
                turn.item.set_result(None)

    def _next(self) -> Turn | None:
        if self._queue.under_way < self._places:
            return self._queue.next()
        if self._queue.under_way < self._places + self._spare:
            return self._queue.next_of_another_host()
        return None

    def _make_room(self) -> None:
        while self._queue.waiting > self._most_waiting and (turn := self._queue.last_of_most()) is not None:
            self._queue.leave(turn)
            if not turn.item.done():
                turn.item.set_exception(self._refusal())
