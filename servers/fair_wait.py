"""Bounded places to work at, given in turn to those that wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.servers.fair_queue import FairQueue, Owner, Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.wire.admission import AccessRules
    from interject.wire.errors import RequestError
    from interject.wire.peer import Peer

# A satellite that hears nothing for 8 s gives up: why comes before that.
MOST_WAIT_S = 7.0

Turn = Place[asyncio.Future[None]]


def owner_of(peer: Peer, context: object, rules: AccessRules) -> Owner:
    """Say whose turn a request of a peer takes: that of its address, and there of its satellite, else its connection.

    context: that of the request, which may name the `satellite_id`. Rooms behind a trusted proxy share its address, so
    each of them counts as a host.
    """
    named = context.get("satellite_id") if isinstance(context, dict) else None
    room = named if isinstance(named, str) and named else peer
    return Owner(room if rules.is_proxy(peer.address) else peer.address, room)


class FairWait:
    """Some work, some wait; one too many is refused: the newest of those who have most waiting."""

    def __init__(self, places: int, most_waiting: int, refusal: Callable[[], RequestError], spare: int = 0) -> None:
        """`refusal` makes the error for who is refused, or has waited for MOST_WAIT_S.

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
        """Wait for a place and take it, until `leave`; raises RequestError for who is refused."""
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
            # Who was cancelled in this moment leaves by itself.
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
