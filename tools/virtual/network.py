"""Servers in memory behind the connector seam, with faults that begin at a chosen moment."""

from __future__ import annotations

import asyncio
import contextlib
from enum import Enum
from typing import TYPE_CHECKING

from wyoming.audio import AudioStart
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Attribution, Describe, Info, TtsProgram

from interject.wire.errors import PeerError, PeerGoneError, PeerUnreachableError
from tools.testing.virtual_clock import elapse

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from interject.wire.client import Connection

# Often enough for any patience to begin anew each time.
_BABBLES_EACH_S = 2.0


class Fault(Enum):
    """What a server can do wrong."""

    REFUSED = "refused"
    DIES = "dies"
    SILENT = "silent"
    # It goes on sending what is no answer.
    BABBLES = "babbles"
    GARBAGE = "garbage"
    ERROR = "error"


class Link:
    """One connection, seen from both ends; None is its end."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.to_server: asyncio.Queue[Event | None] = asyncio.Queue()
        self.to_client: asyncio.Queue[Event | None] = asyncio.Queue()
        self.closed = False

    async def answer(self, event: Event) -> None:
        """Send from the server, as far as its faults let it."""
        if not self.closed and self.server.fault not in {Fault.SILENT, Fault.BABBLES}:
            self.to_client.put_nowait(event)
        await asyncio.sleep(0)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.to_server.put_nowait(None)
            self.to_client.put_nowait(None)


class MemoryConnection:
    """The satellite's end."""

    def __init__(self, link: Link) -> None:
        self.uri = link.server.uri
        self._link = link

    async def send(self, event: Event) -> None:
        if self._link.closed:
            raise PeerGoneError(self.uri)
        self._link.to_server.put_nowait(event)
        await asyncio.sleep(0)

    async def receive(self) -> Event:
        event = await self._link.to_client.get()
        if event is None:
            self._link.to_client.put_nowait(None)
            raise PeerGoneError(self.uri)
        if Error.is_type(event.type):
            raise PeerError(self.uri, event.data.get("code"), str(event.data.get("text", "")))
        return event

    async def close(self) -> None:
        self._link.close()
        await asyncio.sleep(0)


class FakeServer:
    """Serves connections until they are closed; what a connection asked for ends with it."""

    def __init__(self, name: str) -> None:
        self.uri = f"tcp://{name}:1"
        self.fault: Fault | None = None
        self.links: set[Link] = set()
        self.attempts = 0
        self.description: Event | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def garbage(self) -> Event:
        """Return an event that no client can make anything of."""
        return Event("garbage")

    async def converse(self, link: Link, event: Event) -> None:
        """Take one event of a client."""

    def ended(self, link: Link) -> None:
        """A connection is gone."""

    def accept(self) -> MemoryConnection:
        self.attempts += 1
        if self.fault is Fault.REFUSED:
            raise PeerUnreachableError(self.uri, "Connection refused")
        link = Link(self)
        self.links.add(link)
        self.start(self._serve(link))
        return MemoryConnection(link)

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def fail(self, fault: Fault) -> None:
        """Begin a fault; one that belongs to a connection happens to those that are open now."""
        if fault in {Fault.REFUSED, Fault.SILENT, Fault.BABBLES}:
            self.fault = fault
        if fault is Fault.BABBLES:
            self.start(self._babble())
        for link in tuple(self.links):
            if fault is Fault.ERROR:
                link.to_client.put_nowait(Error(text="out of memory", code="engine").event())
            elif fault is Fault.GARBAGE:
                link.to_client.put_nowait(self.garbage())
            elif fault in {Fault.DIES, Fault.REFUSED}:
                link.close()

    def recover(self) -> None:
        self.fault = None

    async def _babble(self) -> None:
        while self.fault is Fault.BABBLES:
            for link in tuple(self.links):
                link.to_client.put_nowait(AudioStart(22_050, 2, 1).event())
            await elapse(_BABBLES_EACH_S)

    async def stop(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, link: Link) -> None:
        try:
            while (event := await link.to_server.get()) is not None:
                if Describe.is_type(event.type):
                    await link.answer(self.description or self.info().event())
                else:
                    await self.converse(link, event)
        finally:
            link.close()
            self.links.discard(link)
            self.ended(link)

    def info(self) -> Info:
        return Info()


def tts_info(*, streaming: bool) -> Info:
    program = TtsProgram(
        name="fake",
        attribution=Attribution("", ""),
        installed=True,
        description=None,
        version=None,
        voices=[],
        supports_synthesize_streaming=streaming,
    )
    return Info(tts=[program])


class Network:
    """Connects to servers by their URIs."""

    def __init__(self, *servers: FakeServer) -> None:
        self._servers = {server.uri: server for server in servers}

    async def connect(self, uri: str) -> Connection:
        await asyncio.sleep(0)
        return self._servers[uri].accept()


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
