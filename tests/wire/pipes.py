"""Both ends of a byte stream that never leaves the process, and what it carries."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

from interject.wire.framing import DEFAULT_LIMITS, FrameLimits, read_event, write_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wyoming.event import Event


@contextlib.asynccontextmanager
async def pipe(
    limits: FrameLimits = DEFAULT_LIMITS,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Give a reader of what the writer writes, over a real socket."""
    near, far = socket.socketpair()
    reader, reader_end = await asyncio.open_connection(sock=near, limit=limits.header_bytes)
    _, writer = await asyncio.open_connection(sock=far)
    try:
        yield reader, writer
    finally:
        for end in (writer, reader_end):
            end.transport.abort()
            with contextlib.suppress(OSError):
                await end.wait_closed()


async def through_the_wire(event: Event) -> Event:
    """Return what the other end reads when `event` is written."""
    async with pipe() as (reader, writer):
        await write_event(event, writer)
        received = await read_event(reader)
    assert received is not None
    return received
