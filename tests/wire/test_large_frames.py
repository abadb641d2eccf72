"""Frames of many connections that are larger than what a service has room for at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

from wyoming.info import Info
from wyoming.ping import Ping, Pong

from interject.wire.client import connect
from interject.wire.service import SERVICE_LIMITS, Service
from tools.testing.patience import eventually, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wyoming.event import Event

    from interject.wire.peer import Peer

_PAYLOAD = bytes(SERVICE_LIMITS.payload_bytes)
_HEADER = b'{"type": "audio-chunk", "payload_length": %d}\n' % len(_PAYLOAD)
# Four frames of the largest size are received at the same time.
_AT_ONCE = 4
# What the kernel keeps for both sides, 64 kB each, and what was received before the header was understood.
_MOST_UNREAD_BYTES = 170_000


class _Deaf:
    def __init__(self, peer: Peer) -> None: ...

    async def handle(self, event: Event) -> None: ...


@contextlib.asynccontextmanager
async def _served() -> AsyncIterator[str]:
    service = Service("tcp://127.0.0.1:0", Info, _Deaf)
    uri = await service.start()
    try:
        yield uri
    finally:
        await service.stop()


async def _begin(uri: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect with little room on this side, so that what was taken from here is with the service."""
    sending = socket.socket()
    sending.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 15)
    sending.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sending, ("127.0.0.1", int(uri.rpartition(":")[2])))
    reader, writer = await asyncio.open_connection(sock=sending)
    writer.write(_HEADER + _PAYLOAD[:-1])
    return reader, writer


def _unsent(writer: asyncio.StreamWriter) -> int:
    return writer.transport.get_write_buffer_size()


async def test_a_frame_that_there_is_no_room_for_is_received_when_there_is() -> None:
    async with _served() as uri:
        first = [await _begin(uri) for _ in range(_AT_ONCE)]
        await eventually(lambda: not any(_unsent(writer) for _, writer in first), "the first frames to be received")
        reader, waiting = await _begin(uri)
        bystander = await connect(uri)
        async with expecting("the service to answer others meanwhile"):
            for _ in range(100):
                await bystander.send(Ping().event())
                assert Pong.is_type((await bystander.receive()).type)
        assert len(_PAYLOAD) - _unsent(waiting) < _MOST_UNREAD_BYTES
        first[0][1].write(_PAYLOAD[-1:])
        waiting.write(_PAYLOAD[-1:] + b'{"type": "ping"}\n')
        async with expecting("the frame that waited to be received, and what follows it to be answered"):
            assert b"pong" in await reader.readline()
        for _, writer in (*first, (reader, waiting)):
            writer.transport.abort()
        await bystander.close()
