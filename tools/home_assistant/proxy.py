"""Taps: Home Assistant talks to one of our programs, and every event that passes is written down."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from wyoming.audio import AudioChunk

from interject.wire.errors import FrameError, PeerUnreachableError
from interject.wire.framing import DEFAULT_LIMITS, read_event, write_event
from interject.wire.uri import open_stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wyoming.event import Event

_CONNECT_TIMEOUT_S = 2.0
# Pings and what is asked every half minute would bury the rest.
_NOT_WRITTEN = {"ping", "pong", "describe", "info"}


@dataclass(frozen=True, slots=True)
class Passed:
    """One event: when (monotonic clock, s), to or from which program, over which connection of its proxy."""

    mono: float
    role: str
    connection: int
    from_home: bool
    event: Event

    @property
    def type(self) -> str:
        """The event's type."""
        return self.event.type


@dataclass(slots=True)
class Wire:
    """All that passed, in order; also written to a file of JSON lines, without the audio."""

    path: Path
    passed: list[Passed] = field(default_factory=list)
    _waiting: list[tuple[Callable[[Passed], bool], asyncio.Future[Passed]]] = field(default_factory=list)

    def add(self, passed: Passed) -> None:
        """Take one event."""
        self.passed.append(passed)
        for wanted, future in self._waiting:
            if not future.done() and wanted(passed):
                future.set_result(passed)
        if passed.type in _NOT_WRITTEN:
            return
        record = {
            "mono": round(passed.mono, 4), "role": passed.role, "connection": passed.connection,
            "from_home": passed.from_home, "type": passed.type, "data": passed.event.data,
            "bytes": len(passed.event.payload or b""),
        }  # fmt: skip
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    async def next(self, role: str, kind: str, timeout_s: float, *, from_home: bool) -> Passed | None:
        """Wait for the next event of a kind; None when none came in time."""

        def wanted(passed: Passed) -> bool:
            return (passed.role, passed.type, passed.from_home) == (role, kind, from_home)

        found: asyncio.Future[Passed] = asyncio.get_running_loop().create_future()
        waiting = (wanted, found)
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(timeout_s):
                return await found
        except TimeoutError:
            return None
        finally:
            self._waiting.remove(waiting)


class Proxy:
    """Listens at a port of its own that stays the same while the program behind it comes and goes; a context."""

    def __init__(self, role: str, wire: Wire) -> None:
        self.port = 0
        # Where the program is; without one, connections are closed at once.
        self.target: str | None = None
        # Seconds of audio that the program may send in one second; None: as fast as it can.
        self.pace: float | None = None
        self._role = role
        self._wire = wire
        self._numbers = itertools.count(1)
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=DEFAULT_LIMITS.header_bytes)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def write_to(self, wire: Wire) -> None:
        """Write what passes from now on somewhere else."""
        self._wire = wire

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._attend(reader, writer), name=f"proxy of {self._role}")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(self._numbers)
        streams = [writer]
        try:
            if self.target is None:
                return
            there_reader, there_writer = await open_stream(self.target, _CONNECT_TIMEOUT_S)
            streams.append(there_writer)
            ways = [
                asyncio.create_task(self._pass_on(number, reader, there_writer, from_home=True), name="there"),
                asyncio.create_task(self._pass_on(number, there_reader, writer, from_home=False), name="back"),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except PeerUnreachableError:
            return
        finally:
            for stream in streams:
                stream.close()
                with contextlib.suppress(OSError):
                    await stream.wait_closed()

    async def _pass_on(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_home: bool
    ) -> None:
        with contextlib.suppress(OSError, FrameError):
            while (event := await read_event(reader)) is not None:
                self._wire.add(Passed(time.monotonic(), self._role, number, from_home, event))
                await write_event(event, writer)
                if AudioChunk.is_type(event.type) and not from_home and self.pace is not None:
                    await asyncio.sleep(AudioChunk.from_event(event).seconds / self.pace)
