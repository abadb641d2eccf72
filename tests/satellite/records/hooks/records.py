"""A record of the trace for each hook, and what the hook reads for it; logs and programs to wait for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shlex
import sys
from typing import TYPE_CHECKING, Any

from interject.satellite.records import conversation as talk
from interject.satellite.records.device import timer_record
from interject.satellite.records.home_assistant import Connected, Disconnected
from interject.satellite.records.hooks.table import Hook
from tools.testing.patience import expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from interject.wire.trace import Record


def understood(text: str) -> talk.TextUnderstood:
    return talk.TextUnderstood(1, text, None)


def interrupted(heard_ms: float) -> talk.ReplyInterrupted:
    return talk.ReplyInterrupted(1, "speech", "", heard_ms)


STARTED = {"id": "1", "total_seconds": 180, "name": "thé", "start_minutes": 3}
STARTED_JSON = '{"type": "timer-started", "data": {"id": "1", "total_seconds": 180, "name": "thé", "start_minutes": 3}}'
UPDATED = {"id": "1", "is_active": False, "total_seconds": 90}
UPDATED_JSON = '{"type": "timer-updated", "data": {"id": "1", "is_active": false, "total_seconds": 90}}'

RECORDS: list[tuple[Record, Hook, str]] = [
    (talk.Started(), Hook.STARTUP, ""),
    (talk.AwaitsWakeWord(), Hook.DETECT, ""),
    (talk.WordDetected("okay_nabu", "okay nabu", "wake", 0.0), Hook.DETECTION, "okay_nabu"),
    (talk.StreamingStarted(), Hook.STREAMING_START, ""),
    (talk.SttOpened(1, 0.5), Hook.STT_START, ""),
    (talk.SttEnded(1), Hook.STT_STOP, ""),
    (talk.StreamingStopped(), Hook.STREAMING_STOP, ""),
    (understood("quelle heure est-il à Lyon"), Hook.TRANSCRIPT, "quelle heure est-il à Lyon"),
    (talk.ReplyKnown(1, "It is\nnoon."), Hook.SYNTHESIZE, "It is\nnoon."),
    (talk.FirstAudio(1), Hook.TTS_START, ""),
    (talk.ReplyReceived(1, "It is noon.", 900.0), Hook.TTS_STOP, ""),
    (talk.ReplyPlayed(1, 900.0, 0), Hook.TTS_PLAYED, ""),
    (talk.SttFailed(1, "the STT server is gone", "stt server: gone"), Hook.ERROR, "the STT server is gone"),
    (Connected("tcp://127.0.0.1:5"), Hook.CONNECTED, ""),
    (Disconnected("tcp://127.0.0.1:5"), Hook.DISCONNECTED, ""),
    (timer_record("timer-started", STARTED, None), Hook.TIMER_STARTED, STARTED_JSON),
    (timer_record("timer-updated", UPDATED, None), Hook.TIMER_UPDATED, UPDATED_JSON),
    (timer_record("timer-cancelled", {"id": "1"}, None), Hook.TIMER_CANCELLED, "1"),
    (timer_record("timer-finished", {"id": "1"}, None), Hook.TIMER_FINISHED, "1"),
]

_REPORT = """
import socket, sys
report = socket.socket(socket.AF_UNIX)
report.connect(sys.argv[1])
name, text = sys.argv[2].encode(), sys.stdin.buffer.read()
report.sendall(len(name).to_bytes(4, "big") + name + len(text).to_bytes(4, "big") + text)
report.recv(1)
sys.exit(3 if text == b"bad" else 0)
"""


class Reports:
    """What the programs of hooks were given: (name, standard input); a program ends when its report is let go."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.came: asyncio.Queue[tuple[str, str]] = asyncio.Queue(1000)
        self.let_go = asyncio.Event()
        self.let_go.set()
        self.killed: asyncio.Queue[str] = asyncio.Queue(1000)
        self._attending: set[asyncio.Task[None]] = set()

    def command(self, name: str) -> str:
        """Give the command of a hook that reports here."""
        return shlex.join([sys.executable, "-S", "-c", _REPORT, str(self._path), name])

    async def next(self) -> tuple[str, str]:
        async with expecting("a hook to be run"):
            return await self.came.get()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Reports]:
        server = await asyncio.start_unix_server(self._accept, self._path)
        try:
            yield self
        finally:
            server.close()
            for task in self._attending:
                task.cancel()
            await asyncio.gather(*self._attending, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._attending.add(asyncio.create_task(self._attend(reader, writer)))

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            name, text = [
                (await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))).decode()
                for _ in range(2)
            ]
            self.came.put_nowait((name, text))
            await self._hold(name, reader)
            writer.write(b".")
        finally:
            writer.close()

    async def _hold(self, name: str, reader: asyncio.StreamReader) -> None:
        gone, released = asyncio.create_task(reader.read()), asyncio.create_task(self.let_go.wait())
        try:
            await asyncio.wait({gone, released}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                self.killed.put_nowait(name)
        finally:
            for task in (gone, released):
                task.cancel()
            await asyncio.gather(gone, released, return_exceptions=True)


class LogLines(logging.Handler):
    """Warnings as they come, to wait for."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: asyncio.Queue[str] = asyncio.Queue(1000)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.put_nowait(record.getMessage())

    def pending(self) -> int:
        """Count the warnings that nobody has waited for."""
        return self._lines.qsize()

    async def wait_for(self, part: str) -> None:
        """Take warnings up to the next one that has this in it."""
        async with expecting(f"a warning that has {part!r} in it"):
            self.told.append(await self._lines.get())
            while part not in self.told[-1]:
                self.told.append(await self._lines.get())


@contextlib.contextmanager
def log_lines(logger: str) -> Iterator[LogLines]:
    lines = LogLines()
    logging.getLogger(logger).addHandler(lines)
    try:
        yield lines
    finally:
        logging.getLogger(logger).removeHandler(lines)


@contextlib.asynccontextmanager
async def working(work: Any) -> AsyncIterator[asyncio.Task[None]]:
    """Run `work.run()` beside the test, and cancel it at the end; a fault in it fails the test."""
    task = asyncio.create_task(work.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
