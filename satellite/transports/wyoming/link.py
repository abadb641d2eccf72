"""The connection that Home Assistant keeps to the satellite: it always reads, and sending never blocks."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from typing import TYPE_CHECKING, Protocol

from wyoming.ping import Ping, Pong
from wyoming.satellite import PauseSatellite, RunSatellite

from interject.satellite.transports.assist.errors import HomeAssistantAwayError
from interject.satellite.transports.wyoming import owner
from interject.wire.admission import plain_address

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wyoming.event import Event

    from interject.wire.errors import InterjectError
    from interject.wire.peer import Peer
    from interject.wire.service import Session

_LOGGER = logging.getLogger(__name__)

# The longest turn begun anew, in chunks of 64 ms, with a reserve; a peer that takes none of it is as good as dead.
_QUEUE_EVENTS = 10_000
# Home Assistant notices its own mute switch when the next event comes, and answers that one; a second answer means
# that it is not muted any more. It sends `pause-satellite` also when it stops, and then closes the connection.
_PROBE_S = 2.0
# A switch that was thrown back unnoticed was so within one of its own pings, which are 2 s apart.
_PROBES = 4
_ANSWERS_WHEN_MUTED = 1
_GOODBYE_S = 2.0


class LinkListener(Protocol):
    """Takes what comes over the live connection; called on the event loop, never blocks."""

    def connected(self, name: str) -> None:
        """Home Assistant is ready for us."""

    def lost(self, name: str, error: InterjectError) -> None:
        """The live connection is gone."""

    def received(self, event: Event) -> None:
        """Take the next event; raises RequestError for one that is malformed."""

    def paused(self) -> None:
        """The user switched the microphone off in Home Assistant."""

    def unpaused(self) -> None:
        """The microphone may be on again."""


class HomeAssistantLink:
    """Finds the live one among all connections: Home Assistant's last that sent `run-satellite` (rule 5)."""

    def __init__(
        self, remembered: str | None = None, remember: Callable[[str], Coroutine[None, None, None]] | None = None
    ) -> None:
        """`remembered`: the address that Home Assistant had before; `remember` keeps it over a restart."""
        self._ownership = owner.Ownership(remembered)
        self._remember = remember
        self._sessions: dict[int, LinkSession] = {}
        self._numbers = itertools.count(1)
        self._live: LinkSession | None = None
        self._listener: LinkListener | None = None
        self._timer: asyncio.TimerHandle | None = None

    def session(self, peer: Peer) -> Session:
        """Serve one more connection."""
        return LinkSession(peer, self, next(self._numbers))

    @property
    def connected(self) -> bool:
        """Whether Home Assistant is there."""
        return self._live is not None

    def attach(self, listener: LinkListener) -> None:
        """Tell a listener everything from now on, first of all of the connection that there is."""
        self._listener = listener
        if self._live is not None:
            listener.connected(self._live.name)

    def detach(self) -> None:
        """Tell nobody any more, and end what is under way."""
        self._listener = None
        for session in list(self._sessions.values()):
            session.finish()
            self.closed(session)

    def send(self, event: Event) -> None:
        """Send an event over the live connection, if there is one."""
        if self._live is not None:
            self._live.send(event)

    def ask(self, session: LinkSession) -> None:
        """Take a connection for the live one, if Home Assistant is not at another address."""
        self._sessions[session.caller.number] = session
        self._apply(owner.Asked(session.caller, self._live is not None and self._live.muted))

    def closed(self, session: LinkSession) -> None:
        """Note the end of a connection."""
        if self._sessions.pop(session.caller.number, None) is None:
            return
        if session is self._live:
            self._live = None
            self._tell_lost(session)
        self._apply(owner.Closed(session.caller))

    def listener_of(self, session: LinkSession) -> LinkListener | None:
        """Return who is told of what this connection says, which shows by saying it that it lives."""
        if session is not self._live:
            return None
        if self._ownership.answer_due_s is not None:
            self._apply(owner.Heard())
        return self._listener

    def _apply(self, event: owner.Event) -> None:
        self._ownership, effects = owner.step(self._ownership, event, _now())
        if self._timer is not None:
            self._timer.cancel()
        due = owner.deadline(self._ownership)
        self._timer = asyncio.get_running_loop().call_at(due, self._apply, owner.Tick()) if due is not None else None
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: owner.Effect) -> None:
        match effect:
            case owner.Take(caller):
                self._take(self._sessions[caller.number])
            case owner.Refuse(caller):
                self._sessions.pop(caller.number).refuse()
            case owner.PingOwner():
                self.send(Ping().event())
            case owner.Remember(address):
                if self._live is not None and self._remember is not None:
                    self._live.keep(self._remember(address))
            case owner.Warn(text):
                _LOGGER.warning("%s", text)

    def _take(self, session: LinkSession) -> None:
        before, self._live = self._live, session
        if before is not None and before is not session:
            self._sessions.pop(before.caller.number, None)
            before.finish()
            self._tell_lost(before)
        session.taken()
        if self._listener is not None:
            self._listener.connected(session.name)
            self._listener.unpaused()

    def _tell_lost(self, session: LinkSession) -> None:
        if self._listener is not None:
            self._listener.lost(session.name, HomeAssistantAwayError())
            if session.said_goodbye:
                # Home Assistant stopped; whoever muted nothing must not find the microphone dead.
                self._listener.unpaused()


class LinkSession:
    """One connection of Home Assistant's, or of somebody who would be it."""

    def __init__(self, peer: Peer, link: HomeAssistantLink, number: int) -> None:
        self.caller = owner.Caller(number, _address_of(peer))
        self._peer = peer
        self._link = link
        self._queue: asyncio.Queue[Event] = asyncio.Queue(_QUEUE_EVENTS)
        self._writing: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[None] | None = None
        self._paused_at: float | None = None
        self._pongs = 0
        self._is_over = False

    @property
    def name(self) -> str:
        """Address of the other end."""
        return self._peer.name

    @property
    def muted(self) -> bool:
        """Whether it switched the microphone off, and not on again."""
        return self._paused_at is not None

    @property
    def said_goodbye(self) -> bool:
        """Whether it paused us only to close the connection."""
        return self._paused_at is not None and _now() - self._paused_at <= _GOODBYE_S

    async def handle(self, event: Event) -> None:
        """Take the next event; raises RequestError for one that is malformed."""
        if self._is_over:
            return
        if RunSatellite.is_type(event.type):
            if self._writing is None:
                self._writing = self._peer.start(self._write(), "events")
            self._link.ask(self)
            return
        listener = self._link.listener_of(self)
        if listener is None:
            _LOGGER.debug("%s sent %s, and is not the connection that counts", self.name, event.type)
        elif PauseSatellite.is_type(event.type):
            self._pause(listener)
        elif Pong.is_type(event.type):
            self._pong(listener)
        else:
            listener.received(event)

    def send(self, event: Event) -> None:
        """Queue an event."""
        if self._queue.full():
            _LOGGER.error("%s takes nothing any more: its connection is given up", self.name)
            self.finish()
            self._link.closed(self)
        else:
            self._queue.put_nowait(event)

    def taken(self) -> None:
        """This is the live connection now, and its microphone is on."""
        self._paused_at = None

    def keep(self, work: Coroutine[None, None, None]) -> None:
        """Have something kept that this connection is the reason for."""
        self._peer.start(work, "address")

    def refuse(self) -> None:
        """Say why it is not wanted, and end it: Home Assistant, if this is it, then tries again after some seconds."""
        self._is_over = True
        self._peer.start(self._say_no(), "refusal")

    def finish(self) -> None:
        """Send nothing any more, and let the other end know."""
        self._is_over = True
        for task in (self._writing, self._probing):
            if task is not None:
                task.cancel()
        with contextlib.suppress(OSError, RuntimeError):
            self._peer.end()

    async def _say_no(self) -> None:
        await self._peer.complain("satellite-in-use", "this satellite is in use; its log says by whom")
        self.finish()

    async def _write(self) -> None:
        try:
            while True:
                await self._peer.send(await self._queue.get())
        finally:
            self._link.closed(self)

    def _pause(self, listener: LinkListener) -> None:
        listener.paused()
        if self._paused_at is None:
            self._paused_at = _now()
        self._pongs = 0
        if self._probing is None or self._probing.done():
            self._probing = self._peer.start(self._probe(), "questions whether it is still muted")

    async def _probe(self) -> None:
        for _ in range(_PROBES):
            self.send(Ping().event())
            await asyncio.sleep(_PROBE_S)

    def _pong(self, listener: LinkListener) -> None:
        if self._paused_at is None:
            return
        self._pongs += 1
        if self._pongs > _ANSWERS_WHEN_MUTED:
            self._paused_at = None
            if self._probing is not None:
                self._probing.cancel()
            listener.unpaused()


def _address_of(peer: Peer) -> str:
    return plain_address(peer.address) if peer.address is not None else "a Unix socket"


def _now() -> float:
    return asyncio.get_running_loop().time()
