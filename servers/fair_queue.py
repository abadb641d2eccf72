"""Who goes next of those that wait: hosts take turns, and at one host its rooms do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose turn it is: `host`, a machine that has one share however many of its rooms wait, and `room`, of these."""

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
        """Return who has to make room: the newest of the room that has most waiting, of the host that has most."""
        host_first = {place: tuple(self._wait[share] for share in place.owner.shares()) for place in self._waiting}
        return max(reversed(host_first), key=host_first.__getitem__, default=None)

    def _rank(self, place: Place[T]) -> tuple[tuple[int, int], ...]:
        return tuple((self._busy[share], self._since[share]) for share in place.owner.shares())
