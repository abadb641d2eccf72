"""The four processes of a room on loopback, and what can be seen of them from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from script.support.processes import Processes, Program, free_uri

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

SERVERS = ("stt", "llm", "tts")
LISTENERS = (*SERVERS, "satellite")
CLIPS = Path(__file__).resolve().parents[3] / "tests" / "clips"
_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """Something that is said in the simulated room; trigger and seconds as in a room script."""

    clip: str
    trigger: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run: programs by name, more flags for each, what is said, and how many descriptors each may have."""

    programs: Sequence[str] = LISTENERS
    flags: Mapping[str, Sequence[str]] | None = None
    lines: Sequence[Line] = ()
    descriptors: int | None = None


class House:
    """Processes that run; names are stt, llm, tts and satellite."""

    def __init__(self, folder: Path, uris: Mapping[str, str], processes: Processes) -> None:
        self.folder = folder
        self.uris = uris
        self.processes = processes

    def alive(self, name: str) -> bool:
        """Tell whether a process still runs."""
        try:
            return bool(self._process(name).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def rss_mb(self, name: str) -> float:
        """Return how much memory a process has."""
        return float(self._process(name).memory_info().rss / _MB)

    def descriptors(self, name: str) -> int:
        """Return how many file descriptors a process has."""
        return int(self._process(name).num_fds())

    def log(self, name: str) -> bytes:
        """Return what a process has logged so far, as it is."""
        return (self.folder / f"{name}.log").read_bytes()

    def tracebacks(self) -> int:
        """Return how many tracebacks the logs have."""
        return sum(self.log(name).count(b"Traceback") for name in self.uris)

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Return the records of a kind that the satellite has made so far."""
        whole, _, _ = (self.folder / "satellite.jsonl").read_bytes().rpartition(b"\n")
        return [record for record in map(json.loads, whole.splitlines()) if record["type"] == kind]

    def _process(self, name: str) -> psutil.Process:
        return psutil.Process(self.processes.pid(name))


@contextlib.asynccontextmanager
async def open_house(folder: Path, wanted: Wanted) -> AsyncIterator[House]:
    """Run them until the context ends; `folder` gets their logs and all that they keep. Raises ProcessDiedError."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    uris = {name: free_uri() for name in wanted.programs}
    own_places = {f"XDG_{kind}_HOME": str(folder / "home") for kind in ("STATE", "DATA", "CONFIG", "CACHE")}
    async with Processes({**os.environ, **own_places}) as processes:
        # The satellite last, as a room's clock starts with it.
        for program in sorted(_programs(folder, uris, wanted), key=lambda program: program.name == "satellite"):
            if program.name == "satellite":
                await asyncio.gather(*(processes.wait_until_ready(name) for name in uris if name != "satellite"))
            await processes.start(program)
        await asyncio.gather(*(processes.wait_until_ready(name) for name in uris))
        yield House(folder, uris, processes)


def _programs(folder: Path, uris: Mapping[str, str], wanted: Wanted) -> Iterator[Program]:
    for name, uri in uris.items():
        module = name if name == "satellite" else f"servers.{name}"
        own = list(_satellite_flags(folder, uris, wanted.lines)) if name == "satellite" else []
        if name == "llm":
            own = ["--store", str(folder / "conversations.sqlite3")]
        flags = [*own, *((wanted.flags or {}).get(name, ()))]
        limited = ("prlimit", f"--nofile={wanted.descriptors}", sys.executable, "-m", module)
        yield Program(
            name, module, uri, flags, folder / f"{name}.log", command=limited if wanted.descriptors is not None else ()
        )


def _satellite_flags(folder: Path, uris: Mapping[str, str], lines: Sequence[Line]) -> Iterator[str]:
    clips = [{"path": str(CLIPS / f"{line.clip}.wav"), "start": {line.trigger: line.seconds}} for line in lines]
    script = folder / "room.json"
    script.write_text(json.dumps({"clips": clips}), encoding="utf-8")
    for name in SERVERS:
        if name in uris:
            yield from (f"--{name}-uri", uris[name])
    yield from ("--no-zeroconf", "--control-socket", "none", "--audio", "simulated", "--room-script", str(script))
    yield from ("--trace-file", str(folder / "satellite.jsonl"))
