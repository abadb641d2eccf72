"""Processes of ours, started, killed and watched from outside; nothing here belongs to an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
CLIPS = ROOT / "tests" / "clips"
SERVERS = ("stt", "llm", "tts")
# A busy machine takes seconds to import onnxruntime; nobody waits this long for anything else.
START_S = 30.0
# The promise is 2 s; a machine that has ten other things to do gets more.
STOP_S = 10.0
_POLL_S = 0.01


def free_uri() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def port_of(uri: str) -> int:
    return int(uri.rsplit(":", 1)[1])


async def until(condition: Callable[[], Any], what: str, timeout_s: float = START_S) -> Any:
    """Wait for a condition; returns what it gave."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout_s:g} s")
        await asyncio.sleep(_POLL_S)
    return found


@dataclass
class Running:
    """One process: `name` is stt, llm, tts or satellite; it can be started again at the same address."""

    name: str
    folder: Path
    flags: tuple[str, ...] = ()
    uri: str = field(default_factory=free_uri)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        path = self.folder / f"{self.name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def trace(self, kind: str | None = None, source: str | None = None) -> list[dict[str, Any]]:
        """Return the records so far."""
        path = self.folder / f"{self.name}.jsonl"
        whole = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        records = [json.loads(line) for line in whole]
        return [r for r in records if kind in (None, r["type"]) and source in (None, r["source"])]

    def start(self) -> None:
        module = self.name if self.name == "satellite" else f"servers.{self.name}"
        trace = str(self.folder / f"{self.name}.jsonl")
        command = [sys.executable, "-m", module, "--uri", self.uri, "--trace-file", trace, *self.flags]
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=dict(os.environ), stdin=subprocess.DEVNULL, stderr=log
            )

    def is_up(self) -> bool:
        """Tell whether it answers `describe`; fails when it has ended."""
        status = self.status()
        assert status is None, f"{self.name} ended with status {status}:\n{self.log}"
        try:
            with socket.create_connection(("127.0.0.1", port_of(self.uri)), timeout=1) as connection:
                connection.sendall(b'{"type": "describe"}\n')
                return b'"info"' in connection.makefile("rb").readline()
        except OSError:
            return False

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + START_S
        while not self.is_up():
            assert time.monotonic() < deadline, f"{self.name} is not up:\n{self.log}"
            time.sleep(_POLL_S)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def status(self) -> int | None:
        assert self.process is not None
        return self.process.poll()

    async def ended(self) -> int:
        """Wait until it has ended by itself; returns the status."""
        await until(lambda: self.status() is not None, f"the end of {self.name}", STOP_S)
        status = self.status()
        assert status is not None
        return status

    async def traced(self, kind: str, count: int = 1, timeout_s: float = START_S) -> list[dict[str, Any]]:
        """Wait for so many records of a kind."""
        await until(lambda: len(self.trace(kind)) >= count, f"{count} times {kind} at {self.name}", timeout_s)
        return self.trace(kind)

    def kill(self) -> None:
        """End it as a crash would, and wait until it has."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def satellite_flags(uris: dict[str, str], folder: Path, lines: Iterable[tuple[str, str, float]]) -> tuple[str, ...]:
    """Return the flags of a satellite in a simulated room: lines are (clip, trigger, seconds)."""
    clips = [{"path": str(CLIPS / f"{clip}.wav"), "start": {trigger: seconds}} for clip, trigger, seconds in lines]
    script = folder / "room.json"
    script.write_text(json.dumps({"clips": clips}), encoding="utf-8")
    servers = [part for name, uri in uris.items() for part in (f"--{name}-uri", uri)]
    return (*servers, "--no-zeroconf", "--audio", "simulated", "--room-script", str(script))


@contextlib.contextmanager
def house(
    folder: Path, lines: Iterable[tuple[str, str, float]] = (), flags: Mapping[str, tuple[str, ...]] | None = None
) -> Iterator[dict[str, Running]]:
    """Run the three servers and a satellite; `flags` are more flags by process."""
    more = flags or {}
    folder.mkdir(parents=True, exist_ok=True)
    store = ("--store", str(folder / "conversations.sqlite3"))
    own = {"stt": (), "llm": store, "tts": ()}
    running = {name: Running(name, folder, (*own[name], *more.get(name, ()))) for name in SERVERS}
    uris = {name: server.uri for name, server in running.items()}
    running["satellite"] = Running(
        "satellite", folder, (*satellite_flags(uris, folder, lines), *more.get("satellite", ()))
    )
    try:
        for name in SERVERS:
            running[name].start()
        for name in SERVERS:
            running[name].wait_until_up()
        # Last, because its room's clock starts with it.
        running["satellite"].start()
        running["satellite"].wait_until_up()
        yield running
    finally:
        for process in running.values():
            process.kill()
