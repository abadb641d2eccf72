"""Tells an event service what happens, over Wyoming; the conversation never waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from interject.satellite.records.hooks.wyoming_events import wyoming_event
from interject.wire import client
from interject.wire.errors import PeerError, PeerSilentError, WireError
from interject.wire.outage import Backoff, Outage

if TYPE_CHECKING:
    from wyoming.event import Event

    from interject.wire.client import Connection, Connector
    from interject.wire.trace import Record

_LOGGER = logging.getLogger(__name__)

# Some ten turns: a service that comes back is told how things stand, not the history of the day.
WAITING_EVENTS = 64
# A service that is being restarted is soon there again; one that is switched off costs nothing.
_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 10.0
# A connection that holds this long works; one that ends sooner was refused.
STEADY_AFTER_S = 1.0
# An event has some hundred bytes: a service that takes none of them for so long is as good as gone.
_SEND_TIMEOUT_S = 5.0


class EventForwarder:
    """A Trace that sends Wyoming events to a service, and keeps on connecting to it; the oldest are left out."""

    def __init__(self, uri: str, connect: Connector = client.connect) -> None:
        self._uri = uri
        self._connect = connect
        self._waiting: deque[Event] = deque(maxlen=WAITING_EVENTS)
        self._has_events = asyncio.Event()
        self._outage = Outage(_LOGGER)

    def emit(self, record: Record, t: float | None = None) -> None:
        """Have the service told of this record, if it is of interest there; returns at once."""
        event = wyoming_event(record, t)
        if event is not None:
            self._waiting.append(event)
            self._has_events.set()

    async def run(self) -> None:
        """Forward until cancelled."""
        backoff = Backoff(_FIRST_RETRY_S, _LAST_RETRY_S)
        while True:
            try:
                await self._serve()
            except WireError as error:
                if not self._outage.failing:
                    # After a connection that worked it is the first failure again.
                    backoff.reset()
                self._outage.failed(
                    "event service: %s; what happens meanwhile is kept, the last %d events", error, WAITING_EVENTS
                )
            await asyncio.sleep(backoff.next_s())

    async def _serve(self) -> None:
        connection = await self._connect(self._uri)
        sending = asyncio.create_task(self._send_all(connection), name="events to the event service")
        listening = asyncio.create_task(_until_gone(connection), name="end of the event service")
        tasks = {sending, listening}
        try:
            done, _ = await asyncio.wait(tasks, timeout=STEADY_AFTER_S, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self._outage.worked("event service: %s is there again", self._uri)
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await connection.close()

    async def _send_all(self, connection: Connection) -> None:
        while True:
            while self._waiting:
                # Taken out before it is sent: meanwhile a full queue may lose its first.
                event = self._waiting.popleft()
                try:
                    await _send(connection, event)
                except (WireError, asyncio.CancelledError):
                    if len(self._waiting) < WAITING_EVENTS:
                        self._waiting.appendleft(event)
                    raise
            self._has_events.clear()
            await self._has_events.wait()


async def _send(connection: Connection, event: Event) -> None:
    try:
        async with asyncio.timeout(_SEND_TIMEOUT_S):
            await connection.send(event)
    except TimeoutError:
        raise PeerSilentError(connection.uri, "sign of taking events", _SEND_TIMEOUT_S) from None


async def _until_gone(connection: Connection) -> None:
    """Take no notice of what the service says; raises PeerGoneError when it is gone."""
    while True:
        try:
            await connection.receive()
        except PeerError as error:
            _LOGGER.debug("event service: %s", error)
