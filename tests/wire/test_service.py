"""A service answers, complains, and stays up whatever one of its peers does."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import stat
import struct
import tracemalloc
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from wyoming.error import Error
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.info import Attribution, Describe, HandleProgram, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize

from interject.wire.admission import AccessRules, Network
from interject.wire.client import connect
from interject.wire.errors import BadUriError, CannotListenError, PeerError, PeerGoneError, RequestError
from interject.wire.framing import FrameLimits
from interject.wire.service import Service
from tools.testing.patience import eventually, expecting
from tools.testing.virtual_clock import elapse, run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.wire.peer import Peer

INFO = Info(
    handle=[
        HandleProgram(
            name="echo",
            attribution=Attribution(name="", url=""),
            installed=True,
            description=None,
            version=None,
            models=[],
        )
    ]
)
LIMITS = FrameLimits(header_bytes=4096, data_bytes=4096, payload_bytes=4096)
# Promised to whoever stops a service.
STOP_WITHIN_S = 2.0
# asyncio's own: with more than this to send, a writer waits.
_HIGH_WATER_BYTES = 1 << 16


@dataclass
class Log:
    """What the sessions of a service saw happen; work without a length goes on until `may_finish` is set."""

    started: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(100))
    ended: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(100))
    may_finish: asyncio.Event = field(default_factory=asyncio.Event)


class ScriptedSession:
    """Does what the type of the event says."""

    def __init__(self, peer: Peer, log: Log) -> None:
        self._peer = peer
        self._log = log

    async def handle(self, event: Event) -> None:
        match event.type:
            case "echo":
                await self._peer.send(event)
            case "refuse":
                raise RequestError("busy", "come back later")
            case "refuse-in-work":
                self._peer.start(self._refuse(), "refusal")
            case "crash":
                raise RuntimeError("a fault of ours")
            case "crash-in-work":
                self._peer.start(self._crash(), "crash")
            case "synthesize":
                Synthesize.from_event(event)
            case "work":
                seconds = event.data.get("seconds")
                self._peer.start(self._work(None if seconds is None else float(seconds)), "work")
            case "work-and-cancel":
                self._peer.start(self._work(None), "work")
                await self._peer.cancel()
            case "cancel":
                await self._peer.cancel()

    async def _work(self, seconds: float | None) -> None:
        self._log.started.put_nowait("work")
        try:
            await (self._log.may_finish.wait() if seconds is None else elapse(seconds))
        except asyncio.CancelledError:
            self._log.ended.put_nowait("cancelled")
            raise
        self._log.ended.put_nowait("finished")
        await self._peer.send(Event("done"))

    async def _refuse(self) -> None:
        raise RequestError("no-such-voice", "there is no such voice")

    async def _crash(self) -> None:
        raise RuntimeError("a fault of ours")


@contextlib.asynccontextmanager
async def served(
    uri: str = "tcp://127.0.0.1:0", limits: FrameLimits = LIMITS, rules: AccessRules | None = None
) -> AsyncIterator[tuple[str, Log, Service]]:
    log = Log()
    service = Service(uri, lambda: INFO, lambda peer: ScriptedSession(peer, log), limits, rules)
    listening = await service.start()
    try:
        yield listening, log, service
    finally:
        await service.stop()


async def raw_connection(uri: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(uri.rpartition(":")[2]))


async def answer_to(uri: str, raw: bytes, *, then_eof: bool = False) -> tuple[Event | None, bytes]:
    """Return the first event that comes back for raw bytes, and whatever else until the service closes."""
    reader, writer = await raw_connection(uri)
    try:
        writer.write(raw)
        if then_eof:
            writer.write_eof()
        async with expecting("the service to answer and to close the connection"):
            return await async_read_event(reader), await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_a_plain_wyoming_client_gets_info_and_pong(kind: str, tmp_path: Path) -> None:
    wanted = "tcp://127.0.0.1:0" if kind == "tcp" else f"unix://{tmp_path}/service.sock"
    async with served(wanted) as (uri, _, _):
        if kind == "tcp":
            reader, writer = await raw_connection(uri)
        else:
            reader, writer = await asyncio.open_unix_connection(uri.removeprefix("unix://"))
        await async_write_event(Describe().event(), writer)
        info = await async_read_event(reader)
        assert info is not None
        assert Info.from_event(info) == INFO
        await async_write_event(Ping(text="é").event(), writer)
        pong = await async_read_event(reader)
        assert pong is not None
        assert Pong.from_event(pong).text == "é"
        writer.close()


async def test_a_description_that_has_changed_is_told() -> None:
    (program,) = INFO.handle
    told = [INFO, INFO, Info(handle=[replace(program, version="2")])]
    service = Service("tcp://127.0.0.1:0", iter(told).__next__, lambda peer: ScriptedSession(peer, Log()), LIMITS)
    reader, writer = await raw_connection(await service.start())
    try:
        for expected in told:
            await async_write_event(Describe().event(), writer)
            info = await async_read_event(reader)
            assert info is not None
            assert Info.from_event(info) == expected
    finally:
        writer.close()
        await service.stop()


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Event("refuse"), "busy"),
        (Event("refuse-in-work"), "no-such-voice"),
        (Event("crash-in-work"), "internal-error"),
        (Event("synthesize"), "bad-event"),
        (Event("synthesize", {"text": "a", "voice": 5}), "bad-event"),
        (Event("work", {"seconds": "soon"}), "bad-event"),
    ],
    ids=lambda value: value.type if isinstance(value, Event) else value,
)
async def test_a_bad_request_gets_an_error_and_the_connection_goes_on(event: Event, code: str) -> None:
    async with served() as (uri, _, _):
        connection = await connect(uri)
        await connection.send(event)
        with pytest.raises(PeerError) as caught:
            await connection.receive()
        assert caught.value.code == code
        await connection.send(Event("echo"))
        assert (await connection.receive()).type == "echo"
        await connection.close()


async def test_a_fault_of_a_session_is_told_and_ends_its_connection_only() -> None:
    async with served() as (uri, _, _):
        bystander = await connect(uri)
        connection = await connect(uri)
        await connection.send(Event("crash"))
        with pytest.raises(PeerError, match="internal-error"):
            await connection.receive()
        with pytest.raises(PeerGoneError):
            await connection.receive()
        await bystander.send(Event("echo"))
        assert (await bystander.receive()).type == "echo"
        await connection.close()
        await bystander.close()


async def test_an_event_that_nobody_knows_is_ignored() -> None:
    async with served() as (uri, _, _):
        connection = await connect(uri)
        await connection.send(Event("from-the-future", {"a": 1}, b"payload"))
        await connection.send(Event("echo"))
        assert (await connection.receive()).type == "echo"
        await connection.close()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "frame-malformed"),
        (b'{"type": "echo", "data_length": -1}\n', "frame-malformed"),
        (b"[" * 4000 + b"\n", "frame-malformed"),
        (b"x" * 100_000, "frame-too-large"),
        (b'{"type": "echo", "data_length": 4097}\n' + b"x" * 4097, "frame-too-large"),
        (b'{"type": "echo", "payload_length": 5000000}\n' + bytes(5_000_000), "frame-too-large"),
        (b'{"type": "ec', "frame-timeout"),
    ],
    ids=["http", "negative", "nested", "header", "data", "payload", "slow"],
)
async def test_a_bad_frame_gets_an_error_and_ends_its_connection_only(raw: bytes, code: str) -> None:
    # Long enough for what is too large, and the others are whole.
    async with served(limits=replace(LIMITS, frame_timeout_s=0.2 if code == "frame-timeout" else 10.0)) as (uri, _, _):
        bystander = await connect(uri)
        error, rest = await answer_to(uri, raw)
        assert error is not None
        assert Error.from_event(error).code == code
        assert rest == b""
        await bystander.send(Event("echo"))
        assert (await bystander.receive()).type == "echo"
        await bystander.close()


async def test_a_truncated_frame_gets_an_error_where_the_peer_still_reads() -> None:
    async with served() as (uri, _, _):
        error, _ = await answer_to(uri, b'{"type": "echo", "payload_length": 10}\n123', then_eof=True)
        assert error is not None
        assert Error.from_event(error).code == "frame-truncated"


async def test_garbage_cancels_the_work_that_its_connection_asked_for() -> None:
    async with served() as (uri, log, _):
        connection = await connect(uri)
        await connection.send(Event("work"))
        await log.started.get()
        await connection.send(Event("echo", {}, bytes(5000)))
        assert await log.ended.get() == "cancelled"
        await connection.close()


async def test_work_that_never_got_to_run_is_dropped_without_a_trace() -> None:
    async with served() as (uri, log, _):
        connection = await connect(uri)
        await connection.send(Event("work-and-cancel"))
        await connection.send(Event("echo"))
        assert (await connection.receive()).type == "echo"
        assert log.started.empty()
        await connection.close()


@pytest.mark.parametrize("how", ["close", "reset", "half-close"])
async def test_closing_a_connection_cancels_its_work_and_no_other(how: str) -> None:
    async with served() as (uri, log, _):
        bystander = await connect(uri)
        await bystander.send(Event("work"))
        _, writer = await raw_connection(uri)
        await async_write_event(Event("work"), writer)
        for _ in range(2):
            await log.started.get()
        match how:
            case "close":
                writer.close()
            case "reset":
                writer.transport.abort()
            case "half-close":
                writer.write_eof()
        assert await log.ended.get() == "cancelled"
        log.may_finish.set()
        assert (await bystander.receive()).type == "done"
        await bystander.close()
        writer.close()


async def test_a_session_can_cancel_its_work_and_go_on() -> None:
    async with served() as (uri, log, _):
        connection = await connect(uri)
        await connection.send(Event("work"))
        await log.started.get()
        await connection.send(Event("cancel"))
        await connection.send(Event("echo"))
        assert (await connection.receive()).type == "echo"
        assert await log.ended.get() == "cancelled"
        await connection.close()


async def test_one_connection_too_many_is_told_so_and_a_freed_place_is_given_again() -> None:
    async with served(rules=AccessRules(connections=2)) as (uri, log, _):
        first, second = [await connect(uri) for _ in range(2)]
        for connection in (first, second):
            await connection.send(Event("work"))
            await log.started.get()
        third = await connect(uri)
        with pytest.raises(PeerError, match="takes 2 connections"):
            await third.receive()
        await third.close()
        await second.send(Event("echo"))
        assert (await second.receive()).type == "echo"
        await first.close()
        async with expecting("the service to give a freed place again"):
            while True:
                again = await connect(uri)
                await again.send(Event("echo"))
                with contextlib.suppress(PeerError):
                    assert (await again.receive()).type == "echo"
                    break
                await again.close()
        await again.close()
        await second.close()


async def test_idle_connections_shut_nobody_out() -> None:
    async with served(rules=AccessRules(connections=3)) as (uri, log, _):
        working = await connect(uri)
        await working.send(Event("work"))
        await log.started.get()
        idle = [await connect(uri) for _ in range(2)]
        for connection in (idle[1], idle[0]):
            await connection.send(Event("echo"))
            await connection.receive()
        newcomer = await connect(uri)
        await newcomer.send(Event("echo"))
        assert (await newcomer.receive()).type == "echo"
        with pytest.raises(PeerGoneError):
            await idle[1].receive()
        for connection in (idle[0], working):
            await connection.send(Event("echo"))
            assert (await connection.receive()).type == "echo"
        log.may_finish.set()
        for connection in (*idle, working, newcomer):
            await connection.close()


async def test_an_address_that_is_not_allowed_is_disconnected_before_anything_is_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rules = AccessRules(allowed=(Network.from_words("127.0.0.1"),))
    async with served(rules=rules) as (uri, _, _):
        port = int(uri.rpartition(":")[2])
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
            with contextlib.suppress(ConnectionError):
                await async_write_event(Describe().event(), writer)
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.close()
        friend = await connect(uri)
        await friend.send(Event("echo"))
        assert (await friend.receive()).type == "echo"
        await friend.close()
    refusals = [record.getMessage() for record in caplog.records if "may not connect" in record.getMessage()]
    assert refusals == ["127.0.0.2 may not connect; --allow 127.0.0.2 would let it"]


async def test_what_a_peer_sent_last_is_not_kept_while_it_says_nothing() -> None:
    size = 1 << 22
    async with served(limits=replace(LIMITS, payload_bytes=size)) as (uri, log, _):
        connection = await connect(uri)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            # It starts work, so it was read to its end when the work has begun.
            await connection.send(Event("work", payload=bytes(size)))
            await log.started.get()
            await eventually(lambda: tracemalloc.get_traced_memory()[0] - before < size // 4, "its memory to be free")
        finally:
            tracemalloc.stop()
        await connection.close()


async def test_what_a_peer_that_broke_off_had_sent_goes_with_its_connection(
    request: pytest.FixtureRequest,
) -> None:
    size = 1 << 22
    # Whatever is found only by the garbage collector stays for minutes in a service that does little.
    request.addfinalizer(gc.enable)
    gc.disable()
    async with served(limits=replace(LIMITS, payload_bytes=size)) as (uri, _, _):
        raw = b'{"type": "echo", "payload_length": %d}\n' % size + bytes(size // 2)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            _, writer = await raw_connection(uri)
            writer.write(raw)
            await eventually(lambda: not writer.transport.get_write_buffer_size(), "it to be sent")
            await eventually(lambda: tracemalloc.get_traced_memory()[0] - before > size // 4, "it to be received")
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            await eventually(lambda: tracemalloc.get_traced_memory()[0] - before < size // 4, "its memory to be free")
        finally:
            tracemalloc.stop()


async def test_a_flood_of_one_peer_leaves_others_their_turn() -> None:
    async with served() as (uri, _, _):
        other = await connect(uri)
        reader, flood = await raw_connection(uri)
        flood.write(b'{"type": "nothing"}\n' * 20_000 + b'{"type": "echo"}\n')
        read_to_its_end = asyncio.create_task(async_read_event(reader))
        answered, began_s = 0, asyncio.get_running_loop().time()
        while not read_to_its_end.done():
            await other.send(Event("echo"))
            assert (await other.receive()).type == "echo"
            answered += 1
        # Were it read in one go, there would be hardly one answer before its end.
        assert answered > 100
        # Nor does it take all of the processor: what goes beyond a burst is read at the pace of an address.
        assert asyncio.get_running_loop().time() - began_s > 2
        assert (await read_to_its_end) is not None
        flood.close()
        await other.close()


async def test_a_peer_that_does_not_read_cannot_hold_the_service_up() -> None:
    async with served() as (uri, _, service):
        _, writer = await raw_connection(uri)
        flood = b'{"type": "echo", "payload_length": 4096}\n' + bytes(4096)
        writer.write(flood * 16_000)
        await eventually(lambda: unsent_bytes(service) > _HIGH_WATER_BYTES, "the service to be left with its answers")
        async with expecting("the service to stop"):
            await service.stop()
        writer.transport.abort()


def unsent_bytes(service: Service) -> int:
    (connection,) = service._connections.values()
    return connection.peer._writer.transport.get_write_buffer_size()


def test_stopping_lets_short_work_finish_and_cancels_long_work_within_two_seconds(tmp_path: Path) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        # What is sent over a unix socket is there at once, so virtual time does not pass it by.
        async with served(f"unix://{tmp_path}/s") as (uri, log, service):
            short, long = await connect(uri), await connect(uri)
            await short.send(Event("work", {"seconds": 0.3}))
            await long.send(Event("work", {"seconds": 60}))
            for _ in range(2):
                await log.started.get()
            began_s = loop.time()
            await service.stop()
            assert loop.time() - began_s < STOP_WITHIN_S
            assert (await short.receive()).type == "done"
            assert [await log.ended.get(), await log.ended.get()] == ["finished", "cancelled"]
            with pytest.raises(PeerGoneError):
                await long.receive()
            await short.close()
            await long.close()

    run_virtual(main())


async def test_a_busy_port_is_told_by_its_address() -> None:
    async with served() as (uri, _, _):
        with pytest.raises(CannotListenError) as caught:
            await Service(uri, lambda: INFO, lambda peer: ScriptedSession(peer, Log())).start()
        assert uri in str(caught.value)
        assert "in use" in str(caught.value)


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:1", "tcp://127.0.0.1", "tcp://:10", "tcp://a:99999", "tcp://a..b:1", "unix://x/y", ""]
)
async def test_an_address_that_makes_no_sense_is_refused_with_the_accepted_forms(uri: str) -> None:
    with pytest.raises(BadUriError, match=r"tcp://HOST:PORT or unix:///PATH"):
        await Service(uri, lambda: INFO, lambda peer: ScriptedSession(peer, Log())).start()


@pytest.mark.parametrize("uri", ["unix:///no-such-directory/x", f"unix:///tmp/{'x' * 200}", "tcp://203.0.113.1:1"])
async def test_an_address_that_cannot_be_had_is_told(uri: str) -> None:
    with pytest.raises(CannotListenError) as caught:
        await Service(uri, lambda: INFO, lambda peer: ScriptedSession(peer, Log())).start()
    assert uri in str(caught.value)


async def test_an_ipv6_address_is_told_so_that_clients_can_use_it() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        async with served("tcp://[::1]:0") as (uri, _, _):
            connection = await connect(uri)
            await connection.send(Event("echo"))
            assert (await connection.receive()).type == "echo"
            await connection.close()
    except CannotListenError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")


async def test_a_dead_service_s_socket_file_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "service.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with served(f"unix://{path}") as (uri, _, _):
        connection = await connect(uri)
        await connection.send(Event("echo"))
        assert (await connection.receive()).type == "echo"
        await connection.close()
    assert not path.exists()


async def test_a_living_service_s_socket_file_is_not_taken(tmp_path: Path) -> None:
    async with served(f"unix://{tmp_path}/s") as (uri, _, _):
        with pytest.raises(CannotListenError, match="another service listens there"):
            await Service(uri, lambda: INFO, lambda peer: ScriptedSession(peer, Log())).start()
        connection = await connect(uri)
        await connection.close()


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(CannotListenError, match="no socket"):
        await Service(f"unix://{path}", lambda: INFO, lambda peer: ScriptedSession(peer, Log())).start()
    assert path.read_text() == "mine"


async def test_a_successor_s_socket_file_survives_the_end_of_its_predecessor(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with served(f"unix://{path}"):
        path.unlink()
        async with served(f"unix://{path}") as (uri, _, _):
            inode = path.stat().st_ino
            predecessor = Service(f"unix://{tmp_path}/other", lambda: INFO, lambda peer: ScriptedSession(peer, Log()))
            await predecessor.start()
            (tmp_path / "other").unlink()
            (tmp_path / "other").symlink_to(path)
            await predecessor.stop()
            assert path.stat().st_ino == inode
            assert stat.S_ISSOCK(path.stat().st_mode)
            await (await connect(uri)).close()
