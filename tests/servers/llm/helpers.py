"""The bridge in this process, and a client that talks to it over TCP."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wyoming.asr import Transcript

from interject.servers.llm.active_replies import ActiveReplies
from interject.servers.llm.conversations import Retention
from interject.servers.llm.engines.base import EngineInfo
from interject.servers.llm.handler import CORRECTION_GRACE_S, Bridge, HandleSession
from interject.servers.llm.service import LIMITS, make_info
from interject.servers.llm.store import Store
from interject.wire.events import Interrupt, Interrupted
from interject.wire.framing import read_event, write_event
from interject.wire.service import Service
from interject.wire.trace import Record, line_of
from tools.testing.patience import eventually, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence
    from pathlib import Path

    from wyoming.event import Event

    from interject.servers.llm.engines.base import Engine
    from interject.servers.llm.turns import Message


class Records:
    """A trace in memory."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def emit(self, record: Record, t: float | None = None) -> None:
        self.records.append(line_of(record, t))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == kind]


class Dictated:
    """An engine whose every word the test gives, and that notes when it was closed."""

    def __init__(self) -> None:
        self.asked: list[list[tuple[str, str]]] = []
        self.words: list[asyncio.Queue[str | Exception | None]] = []
        self.closed = 0

    @property
    def info(self) -> EngineInfo:
        return EngineInfo("dictated", "for tests", "", "", "1", ())

    async def check(self) -> None:
        pass

    async def reply(self, messages: Sequence[Message], language: str | None) -> AsyncGenerator[str, None]:
        self.asked.append([(message.role.value, message.content) for message in messages])
        words: asyncio.Queue[str | Exception | None] = asyncio.Queue(100)
        self.words.append(words)
        try:
            while (word := await words.get()) is not None:
                if isinstance(word, Exception):
                    raise word
                yield word
        finally:
            self.closed += 1

    async def close(self) -> None:
        pass

    def say(self, *words: str, reply: int = -1) -> None:
        for word in words:
            self.words[reply].put_nowait(word)

    def end(self, reply: int = -1) -> None:
        self.words[reply].put_nowait(None)

    def fail(self, error: Exception) -> None:
        self.words[-1].put_nowait(error)


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    seen: list[Event] = field(default_factory=list)

    async def send(self, event: Event) -> None:
        await write_event(event, self.writer)

    async def ask(self, text: str, **context: Any) -> None:
        await self.send(Transcript(text=text, language="en", context=context).event())

    async def next(self) -> Event | None:
        async with expecting("the bridge to send an event"):
            event = await read_event(self.reader)
        if event is not None:
            self.seen.append(event)
        return event

    async def until(self, *kinds: str) -> Event:
        while (event := await self.next()) is not None:
            if event.type in kinds:
                return event
        raise AssertionError(f"closed before any of {kinds}; got {self.seen}")

    async def heard_words(self, count: int) -> None:
        """Wait for so many words."""
        for _ in range(count):
            await self.until("handled-chunk")

    async def reply(self) -> str:
        return str((await self.until("handled")).data["text"])

    async def interrupt(self, reason: str, epoch: int, text: str = "", heard: str = "", **context: Any) -> Interrupted:
        await self.send(Interrupt(reason, epoch, text, heard, 0, context).event())
        return Interrupted.from_event(await self.until("user-event"))

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


@dataclass
class House:
    """A running bridge."""

    uri: str
    store: Store
    trace: Records
    replies: ActiveReplies
    service: Service
    clients: list[Client] = field(default_factory=list)

    async def client(self, address: str = "127.0.0.1") -> Client:
        port = int(self.uri.rpartition(":")[2])
        client = Client(*await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)))
        self.clients.append(client)
        return client

    async def history(self, conversation_id: str) -> list[tuple[str, str]]:
        return [(item.role.value, item.content) for item in await self.store.messages(conversation_id)]

    async def idle(self) -> None:
        """Wait until no reply is being generated."""
        await eventually(lambda: not list(self.replies), "the bridge to have no reply under way")


@asynccontextmanager
async def house(
    engine: Engine,
    path: Path,
    *,
    limit: int = 8,
    history_messages: int = 20,
    correction_grace_s: float = CORRECTION_GRACE_S,
) -> AsyncIterator[House]:
    store = Store(path / "conversations.sqlite3", Retention(24 * 3600.0, 300.0), "dictated")
    await store.open()
    trace = Records()
    replies = ActiveReplies(limit)
    bridge = Bridge(engine, store, replies, history_messages, trace, correction_grace_s=correction_grace_s)
    info = await asyncio.to_thread(lambda: make_info(engine.info))
    service = Service("tcp://127.0.0.1:0", lambda: info, lambda peer: HandleSession(peer, bridge), LIMITS)
    running = House(await service.start(), store, trace, replies, service)
    try:
        yield running
    finally:
        for client in running.clients:
            await client.close()
        await service.stop()
        await store.close()
        await engine.close()
