"""The four processes of a room on loopback, and what can be seen of them from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.harness.processes import Processes, Program, free_uri, module_of
from tools.hold.outside import Outside, places_of_their_own

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

SERVERS = ("stt", "llm", "tts")
LISTENERS = (*SERVERS, "satellite")
CLIPS = Path(__file__).resolve().parents[2] / "tests" / "clips"


@dataclass(frozen=True, slots=True)
class Line:
    """Something that is said in the simulated room; trigger and seconds as in a room script."""

    clip: str
    trigger: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run: programs by name, more flags for each, and what is said."""

    programs: Sequence[str] = LISTENERS
    flags: Mapping[str, Sequence[str]] | None = None
    lines: Sequence[Line] = ()


class House(Outside):
    """Processes that run; names are stt, llm, tts and satellite."""

    def __init__(self, folder: Path, uris: Mapping[str, str], processes: Processes) -> None:
        super().__init__(folder, uris, processes)
        self.uris = uris

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Return the records of a kind that the satellite has made so far."""
        whole, _, _ = (self.folder / "satellite.jsonl").read_bytes().rpartition(b"\n")
        return [record for record in map(json.loads, whole.splitlines()) if record["type"] == kind]


@contextlib.asynccontextmanager
async def open_house(folder: Path, wanted: Wanted) -> AsyncIterator[House]:
    """Run them until the context ends; `folder` gets their logs and all that they keep. Raises ProcessDiedError."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    uris = {name: free_uri() for name in wanted.programs}
    async with Processes({**os.environ, **places_of_their_own(folder)}) as processes:
        # The satellite last, as a room's clock starts with it.
        for program in sorted(_programs(folder, uris, wanted), key=lambda program: program.name == "satellite"):
            if program.name == "satellite":
                await asyncio.gather(*(processes.wait_until_ready(name) for name in uris if name != "satellite"))
            await processes.start(program)
        await asyncio.gather(*(processes.wait_until_ready(name) for name in uris))
        yield House(folder, uris, processes)


def _programs(folder: Path, uris: Mapping[str, str], wanted: Wanted) -> Iterator[Program]:
    for name, uri in uris.items():
        own = list(_satellite_flags(folder, uris, wanted.lines)) if name == "satellite" else []
        if name == "llm":
            own = ["--store", str(folder / "conversations.sqlite3")]
        flags = [*own, *((wanted.flags or {}).get(name, ()))]
        yield Program(name, module_of(name), uri, flags, folder / f"{name}.log")


def _satellite_flags(folder: Path, uris: Mapping[str, str], lines: Sequence[Line]) -> Iterator[str]:
    clips = [{"path": str(CLIPS / f"{line.clip}.wav"), "start": {line.trigger: line.seconds}} for line in lines]
    script = folder / "room.json"
    script.write_text(json.dumps({"clips": clips}), encoding="utf-8")
    for name in SERVERS:
        if name in uris:
            yield from (f"--{name}-uri", uris[name])
    yield from ("--no-zeroconf", "--control-socket", "none", "--audio", "simulated", "--room-script", str(script))
    yield from ("--trace-file", str(folder / "satellite.jsonl"))
