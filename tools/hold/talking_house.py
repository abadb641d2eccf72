"""Four processes and a user who speaks when told to; each server can be taken away and given back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

from tools.harness.processes import ProcessDiedError, Processes, Program, free_uri, module_of
from tools.harness.voice import Voice, voice
from tools.harness.warm_up import warm_up_stt, warm_up_tts
from tools.hold.outside import Outside, places_of_their_own

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

SERVERS = ("stt", "llm", "tts")
_POLL_S = 0.02

Record = dict[str, Any]


class TalkingHouse(Outside):
    """A room whose servers can be killed, hung and brought back; names are stt, llm, tts and satellite.

    records: what the satellite has traced so far, each with `mono`, its moment on the system's monotonic clock (s).
    """

    def __init__(self, folder: Path, programs: Mapping[str, Program], processes: Processes, user: Voice) -> None:
        super().__init__(folder, programs, processes)
        self.records: list[Record] = []
        self._programs = programs
        self._user = user
        self._read = 0

    def say(self, clip: str) -> float:
        """Have the user say a clip; returns when (s, monotonic) they will have finished."""
        return time.monotonic() + self._user.say(clip)

    async def seen(self, wanted: Callable[[], bool], patience_s: float) -> bool:
        """Wait until something holds of the records, for so long at most; tells whether it does."""
        deadline_s = time.monotonic() + patience_s
        while True:
            self._follow()
            if wanted():
                return True
            if time.monotonic() > deadline_s:
                return False
            await asyncio.sleep(_POLL_S)

    def of(self, kind: str, since: int = 0) -> list[Record]:
        """Return the records of a kind, of those from number `since` on."""
        return [record for record in self.records[since:] if record["type"] == kind]

    async def rests(self, patience_s: float) -> bool:
        """Wait until the satellite is idle, for so long at most; tells whether it is."""

        def idle() -> bool:
            phases = self.of("phase")
            return not phases or phases[-1]["phase"] == "idle"

        return await self.seen(idle, patience_s)

    def hang(self, name: str) -> None:
        """Stop a process where it is, as one that hangs."""
        os.kill(self.processes.pid(name), signal.SIGSTOP)

    def go_on(self, name: str) -> None:
        """Let a process that hangs work again."""
        os.kill(self.processes.pid(name), signal.SIGCONT)

    async def kill(self, name: str) -> None:
        """End a process as a crash would."""
        await self.processes.kill(name)

    async def bring_back(self, name: str) -> None:
        """Start a process that was killed, at the same address, and wait until it answers; raises ProcessDiedError."""
        await self.processes.start(self._programs[name])
        await self.processes.wait_until_ready(name)

    def died(self) -> str | None:
        """Say which process has ended by itself; None: none."""
        try:
            self.processes.check()
        except ProcessDiedError as error:
            return error.name
        return None

    def _follow(self) -> None:
        path = self.folder / "satellite.jsonl"
        if path.exists():
            with path.open("rb") as file:
                file.seek(self._read)
                whole, newline, _ = file.read().rpartition(b"\n")
            self.records += map(json.loads, whole.splitlines())
            self._read += len(whole) + len(newline)


@contextlib.asynccontextmanager
async def talking_house(folder: Path, flags: Mapping[str, Sequence[str]] | None = None) -> AsyncIterator[TalkingHouse]:
    """Run the four processes with the engines that need no download, until the context ends.

    folder: gets their traces, logs and all that they keep. flags: more flags by process. Raises ProcessDiedError,
    NotReadyError.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    with voice(folder / "voice") as user:
        programs = {program.name: program for program in _programs(folder, user, flags or {})}
        async with Processes({**os.environ, **places_of_their_own(folder)}) as processes:
            for name in SERVERS:
                await processes.start(programs[name])
            await asyncio.gather(*(processes.wait_until_ready(name) for name in SERVERS))
            await warm_up_stt(programs["stt"].uri)
            await warm_up_tts(programs["tts"].uri)
            await processes.start(programs["satellite"])
            await processes.wait_until_ready("satellite")
            yield TalkingHouse(folder, programs, processes, user)


def _programs(folder: Path, user: Voice, flags: Mapping[str, Sequence[str]]) -> list[Program]:
    uris = {name: free_uri() for name in SERVERS}
    own = {name: [f"--trace-file={folder / name}.jsonl"] for name in (*SERVERS, "satellite")}
    own["llm"] += ["--store", str(folder / "conversations.sqlite3")]
    own["satellite"] += [*user.flags, "--control-socket", "none"]
    own["satellite"] += [part for name, uri in uris.items() for part in (f"--{name}-uri", uri)]
    uris["satellite"] = free_uri()
    return [
        Program(
            name, module_of(name), uri,
            [*own[name], *flags.get(name, ())], folder / f"{name}.log",
        )
        for name, uri in uris.items()
    ]  # fmt: skip
