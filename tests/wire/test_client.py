"""A client's connection tells what went wrong, and can always be closed at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest
from wyoming.error import Error
from wyoming.event import Event, async_write_event

from interject.wire.client import StreamConnection, connect
from interject.wire.errors import BadUriError, PeerError, PeerGoneError, PeerUnreachableError
from tools.testing.patience import eventually, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from interject.wire.client import Connection

# asyncio's own: with more than this to send, a writer waits.
_HIGH_WATER_BYTES = 1 << 16


@contextlib.asynccontextmanager
async def peer_that(
    behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await behave(reader, writer)
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(lambda _: writer.transport.abort())

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def send_without_end(connection: Connection) -> None:
    while True:
        await connection.send(Event("audio-chunk", {}, bytes(1 << 14)))


async def test_nobody_there_is_told_by_address_and_reason(tmp_path: Path) -> None:
    for uri in (f"tcp://127.0.0.1:{free_port()}", f"unix://{tmp_path}/nobody"):
        with pytest.raises(PeerUnreachableError) as caught:
            await connect(uri)
        assert uri in str(caught.value)
        assert any(word in str(caught.value).lower() for word in ("refused", "connect call failed", "no such file"))


async def test_a_bad_uri_is_no_network_trouble() -> None:
    with pytest.raises(BadUriError, match="tcp://HOST:PORT"):
        await connect("127.0.0.1:10300")


async def test_an_error_event_is_raised_and_the_connection_goes_on() -> None:
    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await async_write_event(Error(text="too busy", code="busy").event(), writer)
        await async_write_event(Event("transcript", {"text": "hi"}), writer)

    async with peer_that(behave) as uri:
        connection = await connect(uri)
        with pytest.raises(PeerError) as caught:
            await connection.receive()
        assert (caught.value.code, caught.value.text, caught.value.uri) == ("busy", "too busy", uri)
        assert (await connection.receive()).data == {"text": "hi"}
        with pytest.raises(PeerGoneError):
            await connection.receive()
        await connection.close()


@pytest.mark.parametrize("raw", [b"!!!\n", b'{"type": "a', b'{"type": "a", "payload_length": 99999999}\n'])
async def test_garbage_from_a_server_is_told_as_garbage(raw: bytes) -> None:
    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    async with peer_that(behave) as uri:
        connection = await connect(uri)
        with pytest.raises(PeerGoneError, match="garbage"):
            await connection.receive()
        await connection.close()


async def test_a_server_that_dies_is_noticed_while_sending_and_while_receiving() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.transport.abort()

    async with peer_that(behave) as uri:
        connection = await connect(uri)
        with pytest.raises(PeerGoneError, match=uri):
            await send_without_end(connection)
        with pytest.raises(PeerGoneError, match=uri):
            await connection.receive()
        await connection.close()


async def test_closing_does_not_wait_for_a_server_that_stopped_reading() -> None:
    async def behave(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with peer_that(behave) as uri:
        connection = await connect(uri)
        assert isinstance(connection, StreamConnection)
        sending = asyncio.create_task(send_without_end(connection))
        buffered = connection._writer.transport.get_write_buffer_size
        await eventually(lambda: buffered() > _HIGH_WATER_BYTES, "the server to be full")
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        async with expecting("the connection to close"):
            await connection.close()
        with pytest.raises(PeerGoneError):
            await connection.send(Event("audio-chunk"))


async def test_what_was_sent_before_closing_arrives() -> None:
    arrived: asyncio.Queue[bytes] = asyncio.Queue(1)

    async def behave(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        arrived.put_nowait(await reader.read(-1))

    async with peer_that(behave) as uri:
        connection = await connect(uri)
        await connection.send(Event("interrupt", {}, bytes(50_000)))
        await connection.close()
        async with expecting("what was sent to arrive"):
            assert len(await arrived.get()) > 50_000
