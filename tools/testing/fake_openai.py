"""A real HTTP server that speaks the chat completions API, and notes when a client closes a stream."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import time
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Manner(Enum):
    """How it answers."""

    PROPERLY = "properly"
    CUT_IN_THE_MIDDLE = "cut in the middle"
    END_WITHOUT_FINISH = "end without a finish reason"
    GARBAGE = "garbage"
    SILENT = "silent"
    HANG_IN_THE_MIDDLE = "hang in the middle"
    HANG_AFTER_FINISH = "hang after the finish reason"


@dataclass
class Upstream:
    """What the server does, and what it saw."""

    tokens: tuple[str, ...] = ("Good ", "day.")
    token_s: float = 0.0
    models: tuple[str, ...] = ("first-model",)
    manner: Manner = Manner.PROPERLY
    # Answers with these statuses first, one a request; the last one for ever when `keep_failing`.
    statuses: list[int] = field(default_factory=list)
    keep_failing: bool = True
    retry_after: str | None = None
    finish_reason: str = "stop"
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    connections: int = 0
    sent: int = 0
    closed_at: float | None = None
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with contextlib.suppress(ConnectionError):
                while await self._one(reader, writer):
                    pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return False
        line, *rest = head.strip().split("\r\n")
        headers = {key.lower(): value for key, value in (item.split(": ", 1) for item in rest)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = line.split()[1]
        self.paths.append(path)
        self.headers.append(headers)
        if not path.startswith("/v1/"):
            self._respond(writer, 404, {"error": {"message": "page not found"}})
            return True
        if path.endswith("/models"):
            listed = [{"id": name, "object": "model"} for name in self.models]
            self._respond(writer, 200, {"object": "list", "data": listed})
            return True
        self.requests.append(json.loads(body))
        if self.statuses:
            status = self.statuses[0] if self.keep_failing else self.statuses.pop(0)
            self._respond(writer, status, {"error": {"message": f"a reason for {status}"}})
            return True
        await self._stream(reader, writer)
        return not writer.is_closing()

    def _respond(self, writer: asyncio.StreamWriter, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        extra = f"retry-after: {self.retry_after}\r\n" if self.retry_after and status == 429 else ""
        writer.write(
            f"HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\n{extra}"
            f"content-length: {len(raw)}\r\n\r\n".encode()
            + raw
        )

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._watching(reader) as left:
            await self._tell(writer, left)

    @contextlib.contextmanager
    def _watching(self, reader: asyncio.StreamReader) -> Iterator[asyncio.Event]:
        """Note when the client closes the stream; reading would take the next request on this connection away."""
        left = asyncio.Event()

        def ended(tell: Callable[..., None], *told: object) -> None:
            tell(*told)
            self._close(left)

        ways = ("feed_eof", "set_exception")
        for way in ways:
            setattr(reader, way, functools.partial(ended, getattr(reader, way)))
        if reader.at_eof():
            self._close(left)
        try:
            yield left
        finally:
            for way in ways:
                delattr(reader, way)

    def _close(self, left: asyncio.Event) -> None:
        left.set()
        self.closed_at = time.monotonic()
        self.closed.set()

    async def _tell(self, writer: asyncio.StreamWriter, left: asyncio.Event) -> None:
        if self.manner is Manner.SILENT:
            await left.wait()
            return
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for token in self.tokens:
            if left.is_set():
                return
            self._event(writer, {"content": token}, None)
            self.sent += 1
            await writer.drain()
            if self.token_s:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(left.wait(), self.token_s)
        if self.manner is Manner.HANG_IN_THE_MIDDLE:
            await left.wait()
            return
        if self.manner is Manner.CUT_IN_THE_MIDDLE:
            writer.transport.abort()
            return
        if self.manner is Manner.GARBAGE:
            self._chunk(writer, b"data: {no json\n\n")
        if self.manner is not Manner.END_WITHOUT_FINISH:
            self._event(writer, {}, self.finish_reason)
        if self.manner is Manner.HANG_AFTER_FINISH:
            await left.wait()
        self._chunk(writer, b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def _event(self, writer: asyncio.StreamWriter, delta: dict[str, str], finish_reason: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        self._chunk(writer, f"data: {json.dumps(body)}\n\n".encode())

    @staticmethod
    def _chunk(writer: asyncio.StreamWriter, raw: bytes) -> None:
        writer.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")


@contextlib.asynccontextmanager
async def running(upstream: Upstream) -> Any:
    """Serve on a free port of the loopback while the context lasts."""
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await upstream.serve(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield upstream
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
