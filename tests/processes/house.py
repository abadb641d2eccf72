"""Processes of ours, started, killed and watched from outside; nothing here belongs to an event loop."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.harness.processes import free_uri, module_of
from tools.testing.patience import eventually, showing, wait_until

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
CLIPS = ROOT / "tests" / "clips"
SERVERS = ("stt", "llm", "tts")


def port_of(uri: str) -> int:
    return int(uri.rsplit(":", 1)[1])


@dataclass
class Running:
    """One process: `name` is stt, llm, tts or satellite; it can be started again at the same address."""

    name: str
    folder: Path
    flags: tuple[str, ...] = ()
    uri: str = field(default_factory=free_uri)
    process: subprocess.Popen[bytes] | None = None
    _records: list[dict[str, Any]] = field(default_factory=list)
    _read: int = 0

    def files(self) -> list[Path]:
        return [self.folder / f"{self.name}.jsonl", self.folder / f"{self.name}.log"]

    @property
    def log(self) -> str:
        _, path = self.files()
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def trace(self, kind: str | None = None, source: str | None = None) -> list[dict[str, Any]]:
        """Return the records so far."""
        path, _ = self.files()
        if path.exists():
            with path.open("rb") as file:
                file.seek(self._read)
                whole, newline, _ = file.read().rpartition(b"\n")
            self._records += [json.loads(line) for line in whole.splitlines()]
            self._read += len(whole) + len(newline)
        return [r for r in self._records if kind in (None, r["type"]) and source in (None, r["source"])]

    def start(self) -> None:
        trace = str(self.folder / f"{self.name}.jsonl")
        command = [sys.executable, "-m", module_of(self.name), "--uri", self.uri, "--trace-file", trace, *self.flags]
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=dict(os.environ), stdin=subprocess.DEVNULL, stderr=log
            )

    def is_up(self) -> bool:
        """Tell whether it answers `describe`; fails when it has ended."""
        self.check()
        try:
            with socket.create_connection(("127.0.0.1", port_of(self.uri)), timeout=1) as connection:
                connection.sendall(b'{"type": "describe"}\n')
                answer: bytes = connection.makefile("rb").readline()
                return b'"info"' in answer
        except OSError:
            return False

    def wait_until_up(self) -> None:
        wait_until(self.is_up, f"{self.name} to answer `describe`")

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def status(self) -> int | None:
        assert self.process is not None
        return self.process.poll()

    def check(self) -> None:
        """Fail when it has ended."""
        assert self.status() is None, f"expected {self.name} to run; it ended with status {self.status()}"

    async def ended(self) -> int:
        """Wait until it has ended by itself; returns the status."""
        await eventually(lambda: self.status() is not None, f"{self.name} to end")
        status = self.status()
        assert status is not None
        return status

    async def traced(self, kind: str, count: int = 1, since: int = 0) -> list[dict[str, Any]]:
        """Wait for so many records of a kind, of those from number `since` on; fails at once when it has ended."""

        def found() -> bool:
            self.check()
            return len([record for record in self.trace()[since:] if record["type"] == kind]) >= count

        await eventually(found, f"{self.name} to record {kind}" + (f" {count} times" if count > 1 else ""))
        return [record for record in self.trace()[since:] if record["type"] == kind]

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
    return (*servers, "--no-zeroconf", "--audio", "simulated", "--control-socket", "none", "--room-script", str(script))


class House(dict[str, Running]):
    """Processes by name, and what they write."""

    def files(self) -> list[Path]:
        return [path for running in self.values() for path in running.files()]


@contextlib.contextmanager
def house(
    folder: Path, lines: Iterable[tuple[str, str, float]] = (), flags: Mapping[str, tuple[str, ...]] | None = None
) -> Iterator[House]:
    """Run the three servers and a satellite in a simulated room; `flags` are more flags by process."""
    more = flags or {}
    running = servers(folder, more)
    uris = {name: server.uri for name, server in running.items()}
    running["satellite"] = Running(
        "satellite", folder, (*satellite_flags(uris, folder, lines), *more.get("satellite", ()))
    )
    with started(running):
        yield running


def servers(folder: Path, flags: Mapping[str, tuple[str, ...]]) -> House:
    """Give the three servers, not yet started; `flags` are more flags by process."""
    folder.mkdir(parents=True, exist_ok=True)
    own = {"llm": ("--store", str(folder / "conversations.sqlite3"))}
    return House({name: Running(name, folder, (*own.get(name, ()), *flags.get(name, ()))) for name in SERVERS})


@contextlib.contextmanager
def started(running: House) -> Iterator[None]:
    """Run processes, the last one once all others answer, as a room's clock starts with its satellite."""
    everyone = list(running.values())
    with showing(running.files):
        try:
            for process in everyone[:-1]:
                process.start()
            for process in everyone[:-1]:
                process.wait_until_up()
            everyone[-1].start()
            everyone[-1].wait_until_up()
            yield
        finally:
            for process in everyone:
                process.kill()
