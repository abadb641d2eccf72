"""One connection to a Wyoming service."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from wyoming.error import Error

from interject.wire.errors import FrameError, PeerError, PeerGoneError
from interject.wire.framing import DEFAULT_LIMITS, FrameLimits, read_event, write_event
from interject.wire.uri import open_stream

if TYPE_CHECKING:
    from wyoming.event import Event

# A service on the same network answers a connection in milliseconds; a host that is down costs this much.
CONNECT_TIMEOUT_S = 2.0
# What was sent last may still be on its way when a connection is closed; a peer that does not read gets no longer.
_FLUSH_TIMEOUT_S = 0.2


class Connection(Protocol):
    """What a pipeline needs of a connection; a seam, so that tests can connect without a network."""

    uri: str

    async def send(self, event: Event) -> None:
        """Send one event; raises PeerGoneError."""

    async def receive(self) -> Event:
        """Wait for the next event; raises PeerError for an `error` event, PeerGoneError at the end of the stream.

        After a call that was cancelled the connection is good for closing only: a part of a frame may be gone.
        """

    async def close(self) -> None:
        """Close; what the connection asked for is cancelled at the service."""


class Connector(Protocol):
    """Opens connections."""

    async def __call__(self, uri: str) -> Connection:
        """Connect to a service; raises BadUriError, PeerUnreachableError."""


class StreamConnection:
    """A connection over TCP or a unix socket."""

    def __init__(
        self,
        uri: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limits: FrameLimits = DEFAULT_LIMITS,
    ) -> None:
        self.uri = uri
        self._reader = reader
        self._writer = writer
        self._limits = limits

    async def send(self, event: Event) -> None:
        """Send one event; raises PeerGoneError."""
        if self._writer.is_closing():
            raise PeerGoneError(self.uri)
        try:
            await write_event(event, self._writer)
        except OSError as error:
            raise PeerGoneError(self.uri, error.strerror or str(error)) from None

    async def receive(self) -> Event:
        """Wait for the next event; raises PeerError for an `error` event, PeerGoneError at the end of the stream."""
        try:
            event = await read_event(self._reader, self._limits)
        except FrameError as error:
            raise PeerGoneError(self.uri, f"it sent garbage: {error}") from None
        except OSError as error:
            raise PeerGoneError(self.uri, error.strerror or str(error)) from None
        if event is None:
            raise PeerGoneError(self.uri)
        if Error.is_type(event.type):
            raise PeerError(self.uri, event.data.get("code"), str(event.data.get("text", "")))
        return event

    async def close(self) -> None:
        """Close; what the connection asked for is cancelled at the service."""
        self._writer.close()
        try:
            with contextlib.suppress(OSError):
                async with asyncio.timeout(_FLUSH_TIMEOUT_S):
                    await self._writer.wait_closed()
        finally:
            self._writer.transport.abort()


async def connect(uri: str) -> Connection:
    """Connect to a service; raises BadUriError, PeerUnreachableError."""
    reader, writer = await open_stream(uri, CONNECT_TIMEOUT_S)
    return StreamConnection(uri, reader, writer)
