"""The connection that Home Assistant keeps to the satellite: it always reads, and sending never blocks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Protocol

from wyoming.ping import Ping, Pong
from wyoming.satellite import PauseSatellite, RunSatellite

from satellite.pipelines.home_assistant.errors import HomeAssistantAwayError

if TYPE_CHECKING:
    from wyoming.event import Event

    from wire.errors import InterjectError
    from wire.peer import Peer
    from wire.service import Session

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
    """Finds the live one among Home Assistant's connections: the last that sent `run-satellite` (rule 5)."""

    def __init__(self) -> None:
        self._live: LinkSession | None = None
        self._listener: LinkListener | None = None

    def session(self, peer: Peer) -> Session:
        """Serve one more connection."""
        return LinkSession(peer, self)

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
        if self._live is not None:
            self._live.finish()
        self._live = None

    def send(self, event: Event) -> None:
        """Send an event over the live connection, if there is one."""
        if self._live is not None:
            self._live.send(event)

    def run(self, session: LinkSession) -> None:
        """Take a connection for the live one."""
        before, self._live = self._live, session
        if before is not None and before is not session:
            before.finish()
            self._tell_lost(before)
        if self._listener is not None:
            self._listener.connected(session.name)
            self._listener.unpaused()

    def closed(self, session: LinkSession) -> None:
        """Note the end of a connection."""
        if session is self._live:
            self._live = None
            self._tell_lost(session)

    def listener_of(self, session: LinkSession) -> LinkListener | None:
        """Return who is told of what this connection says."""
        return self._listener if session is self._live else None

    def _tell_lost(self, session: LinkSession) -> None:
        if self._listener is not None:
            self._listener.lost(session.name, HomeAssistantAwayError())
            if session.said_goodbye:
                # Home Assistant stopped; whoever muted nothing must not find the microphone dead.
                self._listener.unpaused()


class LinkSession:
    """One connection of Home Assistant's."""

    def __init__(self, peer: Peer, link: HomeAssistantLink) -> None:
        self._peer = peer
        self._link = link
        self._queue: asyncio.Queue[Event] = asyncio.Queue(_QUEUE_EVENTS)
        self._writing: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[None] | None = None
        self._paused_at: float | None = None
        self._pongs = 0

    @property
    def name(self) -> str:
        """Who is at the other end."""
        return self._peer.name

    @property
    def said_goodbye(self) -> bool:
        """Whether it paused us only to close the connection."""
        return self._paused_at is not None and _now() - self._paused_at <= _GOODBYE_S

    async def handle(self, event: Event) -> None:
        """Take the next event; raises RequestError for one that is malformed."""
        if RunSatellite.is_type(event.type):
            self._run()
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

    def finish(self) -> None:
        """Send nothing any more, and let the other end know."""
        for task in (self._writing, self._probing):
            if task is not None:
                task.cancel()
        with contextlib.suppress(OSError, RuntimeError):
            self._peer.end()

    def _run(self) -> None:
        self._paused_at = None
        if self._writing is None:
            self._writing = self._peer.start(self._write(), "events")
        self._link.run(self)

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


def _now() -> float:
    return asyncio.get_running_loop().time()
