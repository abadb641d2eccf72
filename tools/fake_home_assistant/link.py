"""One connection to the satellite, and how it is made."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from interject.wire.errors import PeerUnreachableError
from interject.wire.framing import DEFAULT_LIMITS, read_event, write_event
from interject.wire.uri import open_stream

if TYPE_CHECKING:
    import asyncio

    from wyoming.event import Event

    from tools.fake_home_assistant.wire_log import WireLog

_CONNECT_TIMEOUT_S = 5.0


class Connect(Protocol):
    """Opens a connection to the satellite; raises OSError."""

    async def __call__(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return both directions of it."""


def connector(uri: str) -> Connect:
    """Connect to a URI; one with unix:// goes with a virtual clock, as nothing is ever on its way there."""

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await open_stream(uri, _CONNECT_TIMEOUT_S)
        except PeerUnreachableError as error:
            raise ConnectionRefusedError(str(error)) from None

    return connect


class Link:
    """Sends and receives, and logs both."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: WireLog) -> None:
        self._number = number
        self._reader = reader
        self._writer = writer
        self._log = log

    async def send(self, event: Event) -> None:
        """Send; raises OSError."""
        self._log.add(self._number, event, from_satellite=False)
        await write_event(event, self._writer)

    async def receive(self) -> Event:
        """Wait for the next event; raises EOFError, OSError."""
        event = await read_event(self._reader, DEFAULT_LIMITS)
        if event is None:
            raise EOFError
        self._log.add(self._number, event, from_satellite=True)
        return event

    def abort(self) -> None:
        """Break it."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Close it."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
