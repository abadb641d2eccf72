"""Connections from a chosen address of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Self, TypeVar

from wyoming.ping import Ping

from interject.wire.errors import FrameError
from interject.wire.framing import DEFAULT_LIMITS, read_event, write_event
from interject.wire.uri import TcpAddress, parse_uri

if TYPE_CHECKING:
    from collections.abc import Callable

    from wyoming.event import Event

T = TypeVar("T")

HERE = "127.0.0.1"
STRANGER = "127.0.0.2"
# An answer that takes longer is taken for none.
ANSWER_S = 5.0
_CONNECT_S = 10.0
_POLL_S = 0.05


class Call:
    """One connection; a context that closes it at once on the way out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def send(self, *events: Event) -> None:
        """Send events; raises OSError."""
        for event in events:
            await write_event(event, self.writer)

    async def write(self, raw: bytes) -> None:
        """Send bytes as they are; raises OSError."""
        self.writer.write(raw)
        await self.writer.drain()

    async def receive(self, within_s: float = ANSWER_S) -> Event | None:
        """Return the next event; None where the connection ended, or nothing came in time."""
        try:
            async with asyncio.timeout(within_s):
                return await read_event(self.reader)
        except (OSError, TimeoutError, FrameError):
            return None

    async def receive_one_of(self, *types: str, within_s: float = ANSWER_S) -> Event | None:
        """Return the next event of one of these types; None as above."""
        ends = time.monotonic() + within_s
        while (event := await self.receive(ends - time.monotonic())) is not None:
            if event.type in types:
                return event
        return None

    async def answers(self, within_s: float = ANSWER_S) -> bool:
        """Tell whether a `ping` is answered."""
        text = f"{time.monotonic()}"
        with contextlib.suppress(OSError):
            await self.send(Ping(text=text).event())
            ends = time.monotonic() + within_s
            while (event := await self.receive_one_of("pong", within_s=ends - time.monotonic())) is not None:
                if event.data.get("text") == text:
                    return True
        return False

    def stop_reading(self) -> None:
        """Take nothing more from the system, until `read_on`."""
        self._reading.pause_reading()

    def read_on(self) -> None:
        """Take what has come meanwhile."""
        self._reading.resume_reading()

    @property
    def _reading(self) -> asyncio.ReadTransport:
        transport = self.writer.transport
        assert isinstance(transport, asyncio.ReadTransport)  # noqa: S101 - that of a socket is both
        return transport

    def close(self) -> None:
        """Close at once; the other end sees a reset where something of it is unread."""
        self.writer.transport.abort()


async def call(uri: str, address: str = HERE) -> Call:
    """Connect from an address of this machine; raises OSError."""
    place = parse_uri(uri)
    assert isinstance(place, TcpAddress)  # noqa: S101 - no house is anywhere else
    async with asyncio.timeout(_CONNECT_S):
        return Call(
            *await asyncio.open_connection(
                place.host, place.port, local_addr=(address, 0), limit=DEFAULT_LIMITS.header_bytes
            )
        )


async def is_up(uri: str) -> bool:
    """Tell whether a newcomer from here is let in and answered."""
    try:
        with await call(uri) as newcomer:
            return await newcomer.answers()
    except OSError:
        return False


async def until(condition: Callable[[], T], within_s: float) -> T:
    """Wait until a condition holds, no longer than so; returns what it gave last."""
    ends = time.monotonic() + within_s
    while True:
        found = condition()
        if found or time.monotonic() >= ends:
            return found
        await asyncio.sleep(_POLL_S)
