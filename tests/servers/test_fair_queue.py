"""Whoever waits gets its turn, in the order that its host and its room are due, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import hypothesis.strategies as st
from hypothesis import given
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from interject.servers.fair_queue import FairQueue, Owner, Place

if TYPE_CHECKING:
    from collections.abc import Hashable

OWNERS = [Owner(host, f"{host}-{room}") for host in "abc" for room in range(2)]


def served(queue: FairQueue[str]) -> list[str]:
    """Serve all that wait, one after the other."""
    items = []
    while (place := queue.next()) is not None:
        items.append(place.item)
        queue.leave(place)
    return items


def test_a_newcomer_is_next_however_much_another_host_wants() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(60):
        queue.join(Owner("flood", f"connection {number}"), f"flood {number}")
    under_way = queue.next()
    assert under_way is not None
    queue.join(Owner("newcomer", "kitchen"), "hello")
    queue.leave(under_way)
    assert served(queue)[0] == "hello"


def test_rooms_of_one_host_take_turns() -> None:
    queue: FairQueue[str] = FairQueue()
    for room in ("kitchen", "kitchen", "kitchen", "hall"):
        queue.join(Owner("proxy", room), room)
    assert served(queue) == ["kitchen", "hall", "kitchen", "kitchen"]


def test_of_two_places_the_second_goes_to_who_has_none() -> None:
    queue: FairQueue[str] = FairQueue()
    for host in ("one", "one", "one", "other"):
        queue.join(Owner(host, host), host)
    first, second = queue.next(), queue.next()
    assert first is not None
    assert second is not None
    assert (first.item, second.item) == ("one", "other")


def test_room_is_made_by_the_newest_of_who_has_most() -> None:
    queue: FairQueue[str] = FairQueue()
    for room, item in (("hall", "1"), ("kitchen", "2"), ("kitchen", "3")):
        queue.join(Owner("one", room), item)
    queue.join(Owner("other", "garage"), "4")
    place = queue.last_of_most()
    assert place is not None
    assert place.item == "3"


def test_among_equals_the_newest_makes_room() -> None:
    queue: FairQueue[str] = FairQueue()
    for host in ("one", "other"):
        queue.join(Owner(host, host), host)
    place = queue.last_of_most()
    assert place is not None
    assert place.item == "other"


@given(st.lists(st.sampled_from(OWNERS), max_size=40))
def test_of_two_that_always_want_something_neither_gets_more(asked: list[Owner]) -> None:
    """While a host waits, no other one has two turns in a row; nor has a room of the same host."""
    queue: FairQueue[Owner] = FairQueue()
    for owner in asked:
        queue.join(owner, owner)
    left = Counter(asked)
    order: list[Owner] = []
    while (place := queue.next()) is not None:
        left[place.item] -= 1
        if order and order[-1].host == place.item.host:
            assert not any(count for owner, count in left.items() if owner.host != place.item.host)
        before = next((owner for owner in reversed(order) if owner.host == place.item.host), None)
        if before == place.item:
            assert not any(
                count for owner, count in left.items() if owner.host == before.host and owner.room != before.room
            )
        order.append(place.item)
        queue.leave(place)
    assert Counter(order) == Counter(asked)


class Serving(RuleBasedStateMachine):
    """Jobs come, are taken, end and are given up in any order."""

    jobs: Bundle[Place[int]] = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.queue: FairQueue[int] = FairQueue()
        self.waiting: list[Place[int]] = []
        self.under_way: list[Place[int]] = []
        # How often each other host was served while this one waited and had nothing under way.
        self.passed_over: dict[Hashable, Counter[Hashable]] = {}
        self.number = 0

    @rule(target=jobs, owner=st.sampled_from(OWNERS))
    def join(self, owner: Owner) -> Place[int]:
        self.number += 1
        place = self.queue.join(owner, self.number)
        self.waiting.append(place)
        return place

    @rule()
    def take(self) -> None:
        busy = Counter(place.owner.host for place in self.under_way)
        place = self.queue.next()
        assert (place is None) == (not self.waiting)
        if place is None:
            return
        hosts = {other.owner.host for other in self.waiting}
        assert busy[place.owner.host] == min(busy[host] for host in hosts)
        same = [other for other in self.waiting if other.owner == place.owner]
        assert place is same[0], "a room's jobs are taken in their order"
        self.waiting.remove(place)
        self.under_way.append(place)
        self.passed_over.pop(place.owner.host, None)
        for host in hosts - {place.owner.host} - busy.keys():
            self.passed_over.setdefault(host, Counter())[place.owner.host] += 1

    @rule(place=consumes(jobs))
    def leave(self, place: Place[int]) -> None:
        self.queue.leave(place)
        for places in (self.waiting, self.under_way):
            if place in places:
                places.remove(place)
        if not any(other.owner.host == place.owner.host for other in self.waiting):
            self.passed_over.pop(place.owner.host, None)

    @rule()
    def leave_again(self) -> None:
        self.queue.leave(Place(OWNERS[0], 0))

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.queue.waiting == len(self.waiting)
        assert self.queue.under_way == len(self.under_way)
        most = self.queue.last_of_most()
        assert (most is None) == (not self.waiting)
        if most is not None:
            counts = Counter(place.owner.host for place in self.waiting)
            assert counts[most.owner.host] == max(counts.values())

    @invariant()
    def nobody_is_passed_over_without_end(self) -> None:
        assert all(count <= 1 for counts in self.passed_over.values() for count in counts.values())


TestServing = Serving.TestCase
