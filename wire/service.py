"""Serve Wyoming sessions at a URI: bounded frames, describe and ping, work that ends with its connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong

from interject.wire.admission import AccessRules, Refused, Seat, admit
from interject.wire.dispatch import UNREADABLE, Dispatcher, on
from interject.wire.errors import CannotListenError, FrameError, RequestError
from interject.wire.framing import ByteBudget, FrameLimits, encoded, read_event
from interject.wire.pacing import Pacing
from interject.wire.peer import Peer
from interject.wire.process import spare_what_is_loaded
from interject.wire.socket_file import SocketFile, bound_socket, clear_socket_file
from interject.wire.uri import TcpAddress, parse_uri, tcp_uri

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from wyoming.event import Event

    from interject.wire.pacing import Pace

_LOGGER = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# A service must be gone 2 s after SIGTERM; work under way gets most of what saying goodbye leaves of that.
STOP_GRACE_S = 1.0
# Taking back an announcement takes 0.25 s; one that is still being made is given up.
_GOODBYE_S = 0.6
# What the peers of a service send it are questions and chunks of sound: 4 MiB are 95 s of speech at 22,050 Hz in one
# chunk. Parsed JSON takes some 25 times what it took on the wire. A list of 2,000 names has 2,000 commas, and prose of
# 64 kB half as many.
SERVICE_LIMITS = FrameLimits(header_bytes=1 << 16, data_bytes=1 << 16, json_items=4096, payload_bytes=4 << 20)
# What is being received for all connections together, apart from frames of ordinary size: four of the largest.
_BYTES_IN_FLIGHT = 16 << 20
# asyncio accepts as many connections in a row as may wait, each of which takes 0.1 ms; a burst of them may wait all the
# same.
_ACCEPTED_AT_ONCE = 4
_BACKLOG = 128
# Linux doubles it. By itself it lets a peer fill 6 MB, and what TCP may have in all is a few percent of a Pi's memory.
# 32 kB in a round trip of 20 ms are fifty times what speech needs.
_RECEIVE_BUFFER_BYTES = 1 << 15
# Refused peers that are told so at once; a flood of them is not.
_MOST_TOLD = 16
# Addresses whose refusal was logged; an attacker with a whole IPv6 network must not fill the memory.
_MOST_STRANGERS = 1000
# What a peer may still send after an error, unread, so that the reset of the connection does not overtake the error.
_LINGER_S = 0.3
_LINGER_BYTES = 8 << 20
# A closed connection whose peer does not read what is left is aborted after this.
_FLUSH_TIMEOUT_S = 0.2
# A satellite that lost its power or its network sends no farewell: it is noticed after 30 + 3 x 10 s.
_KEEPALIVE_IDLE_S = 30
_KEEPALIVE_INTERVAL_S = 10
_KEEPALIVE_COUNT = 3


class Session(Protocol):
    """What a service does for one connection."""

    async def handle(self, event: Event) -> None:
        """Take the next event; long work goes to `peer.start`. Raises RequestError for a bad request."""


@dataclass(slots=True)
class _Connection:
    peer: Peer
    active_at: float

    def seat(self, task: asyncio.Task[None]) -> Seat:
        return Seat(id(task), self.peer.address, None if self.peer.busy else self.active_at)


class Service:
    """Listens at a URI and runs a session for each connection."""

    def __init__(
        self,
        uri: str,
        info: Callable[[], Info],
        make_session: Callable[[Peer], Session],
        limits: FrameLimits = SERVICE_LIMITS,
        rules: AccessRules | None = None,
        socket_mode: int | None = None,
    ) -> None:
        """`info` gives what the service says of itself now; what it gave before does not change any more.

        rules: who may connect; by default what is on this machine or in a private network. socket_mode: who may connect
        to a Unix socket, as bits of its file; None leaves it to the umask.
        """
        self._uri = uri
        self._rules = rules or AccessRules()
        self._socket_mode = socket_mode
        self._info = info
        self._described: tuple[Info, bytes] | None = None
        self._dispatcher = Dispatcher(on(Describe, self._describe), on(Ping, self._pong))
        self._make_session = make_session
        self._limits = limits
        self._budget = ByteBudget(_BYTES_IN_FLIGHT)
        self._connections: dict[asyncio.Task[None], _Connection] = {}
        self._refusals: set[asyncio.Task[None]] = set()
        self._strangers: set[str] = set()
        self._pacing = Pacing(self._rules)
        self._server: asyncio.Server | None = None
        self._socket_file: SocketFile | None = None

    async def start(self) -> str:
        """Listen, and return the URI that clients can connect to; raises BadUriError, CannotListenError."""
        address = parse_uri(self._uri)
        limit = self._limits.header_bytes
        try:
            if isinstance(address, TcpAddress):
                self._server = await asyncio.start_server(
                    self._accept, address.host, address.port, limit=limit, backlog=_ACCEPTED_AT_ONCE
                )
                for listening in self._server.sockets:
                    with listening.dup() as same:
                        same.listen(_BACKLOG)
                        # Connections have it from the socket that accepts them.
                        same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
                return tcp_uri(address.host, self._server.sockets[0].getsockname()[1])
            await clear_socket_file(address.path)
            listener = await asyncio.to_thread(bound_socket, address.path, self._socket_mode)
            self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=limit)
            self._socket_file = await SocketFile.find(address.path)
        except OSError as error:
            raise CannotListenError(self._uri, error.strerror or str(error)) from None
        return self._uri

    async def stop(self) -> None:
        """Stop listening, let work under way finish for STOP_GRACE_S, then cancel it."""
        if self._server is not None:
            self._server.close()
        if self._socket_file is not None:
            await self._socket_file.remove()
        busy = [connection.peer.settled() for connection in self._connections.values() if connection.peer.busy]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_GRACE_S):
                await asyncio.gather(*busy)
        connections = [*self._connections, *self._refusals]
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = writer.get_extra_info("peername")
        address = str(name[0]) if isinstance(name, tuple) else None
        if address is not None and not self._rules.allows(address):
            writer.transport.abort()
            self._note_stranger(address)
            return
        peer = Peer(str(name or self._uri), writer, address)
        seats = [connection.seat(task) for task, connection in self._connections.items()]
        verdict = admit(address, list(seats), self._rules)
        if isinstance(verdict, Refused):
            self._refuse(peer, reader, writer, verdict)
            return
        for task, connection in list(self._connections.items()):
            if id(task) == verdict.displaced:
                _LOGGER.warning("%s: closed, idle for longest of too many connections", connection.peer)
                self._connections.pop(task)
                task.cancel()
        connection = _Connection(peer, asyncio.get_running_loop().time())
        # A task of our own: one that asyncio.start_server made would be reported as failed when it is cancelled.
        task = asyncio.create_task(self._attend(connection, reader, writer), name=f"connection of {peer.name}")
        self._connections[task] = connection

        def ended(task: asyncio.Task[None]) -> None:
            self._connections.pop(task, None)
            writer.transport.abort()

        task.add_done_callback(ended)

    def _note_stranger(self, address: str) -> None:
        if address not in self._strangers and len(self._strangers) < _MOST_STRANGERS:
            self._strangers.add(address)
            _LOGGER.warning("%s may not connect; --allow %s would let it", address, address)

    def _refuse(self, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, verdict: Refused) -> None:
        if len(self._refusals) >= _MOST_TOLD:
            writer.transport.abort()
            return
        _LOGGER.warning("%s: refused, there are %d connections already", peer, verdict.connections)

        async def tell() -> None:
            try:
                await peer.complain("too-many-connections", f"this service takes {verdict.connections} connections")
                await _linger(reader, peer, self._pacing.of(peer.address))
            finally:
                await _close(writer)

        task = asyncio.create_task(tell(), name=f"refusal of {peer.name}")
        self._refusals.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._refusals.discard(task)
            writer.transport.abort()

        task.add_done_callback(ended)

    async def _attend(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        peer = connection.peer
        try:
            _keep_alive(writer)
            await self._converse(connection, reader, cast("asyncio.Transport", writer.transport))
        except asyncio.CancelledError:
            _LOGGER.debug("%s: closed by this service", peer)
        finally:
            await peer.cancel()
            await _close(writer)

    async def _converse(self, connection: _Connection, reader: asyncio.StreamReader, source: asyncio.Transport) -> None:
        peer = connection.peer
        loop = asyncio.get_running_loop()
        pace = self._pacing.of(peer.address)
        try:
            session = self._make_session(peer)
            while True:
                with self._budget.holding(source) as held:
                    event = await read_event(reader, self._limits, held, pace)
                    connection.active_at = loop.time()
                    if event is None:
                        return
                    await self._dispatch(peer, session, event)
                # What a peer sent last must not be kept until it sends something else.
                del event
                await pace.slow_down()
        except FrameError as error:
            _LOGGER.warning("%s: %s; closing its connection", peer, error)
            await peer.cancel()
            await peer.complain(error.code, str(error))
            await _linger(reader, peer, pace)
        except OSError as error:
            _LOGGER.debug("%s went away: %s", peer, error)
        except Exception:
            _LOGGER.exception("%s: closing its connection", peer)
            await peer.complain("internal-error", "the request failed; the service's log says why")

    def _description(self) -> bytes:
        # To compare a hundred voices takes a twentieth of what it takes to make a frame of them, and twenty satellites
        # that start together ask at once.
        info = self._info()
        if self._described is None or self._described[0] != info:
            self._described = info, encoded(info.event())
        return self._described[1]

    async def _describe(self, peer: Peer, _: Describe) -> None:
        await peer.send_frame(self._description())

    async def _pong(self, peer: Peer, ping: Ping) -> None:
        await peer.send(Pong(text=ping.text).event())

    async def _dispatch(self, peer: Peer, session: Session, event: Event) -> None:
        try:
            if not await self._dispatcher.dispatch(peer, event):
                await session.handle(event)
        except RequestError as error:
            _LOGGER.warning("%s: %s", peer, error)
            await peer.complain(error.code, str(error))
        except UNREADABLE as error:
            _LOGGER.warning("%s: bad %s event: %r", peer, event.type, error)
            _LOGGER.debug("where the %s event failed", event.type, exc_info=error)
            await peer.complain("bad-event", f"the {event.type} event is malformed: {error!r}")


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    if connection.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "darwin":
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPALIVE, _KEEPALIVE_IDLE_S)
    else:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_COUNT)


async def _linger(reader: asyncio.StreamReader, peer: Peer, pace: Pace) -> None:
    left = _LINGER_BYTES
    with contextlib.suppress(OSError):
        peer.end()
        async with asyncio.timeout(_LINGER_S):
            while left > 0 and (thrown_away := await reader.read(1 << 16)):
                left -= len(thrown_away)
                await pace.turn(len(thrown_away))
                await pace.slow_down()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        async with asyncio.timeout(_FLUSH_TIMEOUT_S):
            await writer.wait_closed()
    except OSError as error:
        # The reader keeps the error that broke the connection, and the frames of its traceback keep the reader with all
        # that it has received, until the garbage collector finds them.
        error.with_traceback(None)


def unannounced(uri: str) -> AbstractAsyncContextManager[object]:  # noqa: ARG001 - the signature of an announcement
    """Tell nobody."""
    return contextlib.nullcontext()


async def serve_until_stopped(
    service: Service,
    on_ready: Callable[[str], None],
    announce: Callable[[str], AbstractAsyncContextManager[object]] = unannounced,
) -> None:
    """Serve until SIGTERM or SIGINT, then stop in good order, within 2 s.

    `announce` makes a context, with the URI that the service got, that lasts while it serves (`wire.discovery`).
    Raises BadUriError, CannotListenError, and what `announce` raises.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in STOP_SIGNALS:
        loop.add_signal_handler(signal_number, stopping.set)
    spare_what_is_loaded()
    try:
        uri = await service.start()
        on_ready(uri)
        await _hold(announce(uri), stopping)
    finally:
        await service.stop()
        for signal_number in STOP_SIGNALS:
            loop.remove_signal_handler(signal_number)


async def _hold(announcement: AbstractAsyncContextManager[object], stopping: asyncio.Event) -> None:
    async def announced() -> None:
        async with announcement:
            await stopping.wait()

    announcing = asyncio.create_task(announced(), name="announcement")
    stopped = asyncio.create_task(stopping.wait(), name="stop signal")
    try:
        await asyncio.wait({announcing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({announcing}, timeout=_GOODBYE_S)
    finally:
        stopped.cancel()
        announcing.cancel()
        await asyncio.wait({announcing, stopped})
    if not announcing.cancelled():
        announcing.result()
