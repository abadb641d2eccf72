"""Runs a room of the benchmark: four real processes, a long script, and what they leave behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from tools.bench.reference import Reference, Tap
from tools.bench.scenes import Cue, after_a_standstill
from tools.harness.checks import load_channels
from tools.harness.processes import Processes, Program, free_uri, module_of
from tools.harness.timeline import Timeline
from tools.harness.warm_up import warm_up_stt, warm_up_tts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_POLL_S = 0.25
# The longest answer that is waited for before anything is said again takes half of this.
_STANDSTILL_S = 25.0
# A satellite that has been idle for so long will say nothing more unless it is spoken to.
_RESTS_S = 6.0
# After the last line: the interruption is decided and the turn it began is asked.
_QUIET_AT_END_S = 4.0
_ATTEMPTS = 6
_SERVERS = ("stt", "llm", "tts")
_MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Load:
    """What the satellite used in one second: CPU seconds for each second of audio, resident memory in MB."""

    cpu: float
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Recording:
    """One satellite's life in a room: `events` in seconds of the room's clock, `loudspeaker` from its second 0.

    `references` has the speech of each reply by its epoch.
    """

    cues: Sequence[Cue]
    events: Sequence[dict[str, Any]]
    loudspeaker: NDArray[np.int16]
    rate_hz: int
    references: dict[int, Reference]
    loads: Sequence[Load]

    def of(self, source: str, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind, in order of time."""
        return [event for event in self.events if event["source"] == source and event["type"] == kind]


@dataclass(frozen=True, slots=True)
class Engines:
    """What the servers of a room run with, by their names: modules other than their own, further flags; the room's."""

    modules: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    room_flags: Sequence[str] = ()

    def program(self, name: str, uri: str, folder: Path) -> Program:
        """Return the process that is such a server, with its trace and log in a folder."""
        store = ["--store", str(folder / "conversations.sqlite3")] if name == "llm" else []
        module = self.modules.get(name, module_of(name))
        return _program(name, module, uri, folder, [*store, *self.flags.get(name, ())])


async def run_room(cues: Sequence[Cue], folder: Path, progress: Callable[[int], None]) -> list[Recording]:
    """Have everything said, in as many recordings as it takes; `progress` gets how many lines more were said.

    A room stands still when a reply is over before its interruption was due; then the rest begins anew.
    Raises ProcessDiedError.
    """
    recordings: list[Recording] = []
    left = list(cues)
    while len(left) > 1 and len(recordings) < _ATTEMPTS:
        recording = await record(left, folder / str(len(recordings)), progress)
        recordings.append(recording)
        left = after_a_standstill(left, said=len(recording.of("room", "user-speaks")))
    return recordings


async def record(
    cues: Sequence[Cue], folder: Path, progress: Callable[[int], None], engines: Engines | None = None
) -> Recording:
    """Have things said in one room until it stands still or all was said; raises ProcessDiedError, NotReadyError."""
    _prepare(folder, cues)
    chosen = engines or Engines()
    timeline = Timeline([folder / f"{name}.jsonl" for name in ("satellite", *_SERVERS)])
    async with contextlib.AsyncExitStack() as stack:
        processes = await stack.enter_async_context(Processes(os.environ))
        uris = {name: free_uri() for name in _SERVERS}
        for name, uri in uris.items():
            await processes.start(chosen.program(name, uri, folder))
        await asyncio.gather(*(processes.wait_until_ready(name) for name in uris))
        await warm_up_stt(uris["stt"])
        await warm_up_tts(uris["tts"])
        tap = await stack.enter_async_context(Tap(uris["tts"]))
        servers = ["--stt-uri", uris["stt"], "--llm-uri", uris["llm"], "--tts-uri", tap.uri]
        room = ["--audio", "simulated", "--room-script", str(folder / "room.json"), "--room-record-dir", str(folder)]
        alone = ["--no-zeroconf", "--control-socket", "none", "--conversation-id", "bench"]
        flags = [*servers, *room, *chosen.room_flags, *alone]
        await processes.start(_program("satellite", module_of("satellite"), free_uri(), folder, flags))
        await processes.wait_until_ready("satellite")
        loads = await _follow(timeline, processes, cues, progress)
        await processes.stop("satellite")
        timeline.read_new()
        references = _by_epoch(timeline, await tap.references())
    _, loudspeaker, rate_hz = load_channels(folder / "channels.wav")
    return Recording(cues, timeline.events, loudspeaker, rate_hz, references, loads)


def _prepare(folder: Path, cues: Sequence[Cue]) -> None:
    folder.mkdir(parents=True)
    script = {"clips": [cue.line.as_json() for cue in cues]}
    (folder / "room.json").write_text(json.dumps(script), encoding="utf-8")


def _program(name: str, module: str, uri: str, folder: Path, flags: Sequence[str]) -> Program:
    return Program(name, module, uri, ["--trace-file", str(folder / f"{name}.jsonl"), *flags], folder / f"{name}.log")


async def _follow(
    timeline: Timeline, processes: Processes, cues: Sequence[Cue], progress: Callable[[int], None]
) -> list[Load]:
    meter = _Meter(processes.pid("satellite"))
    begun, ended, changed_s = 0, 0, time.monotonic()
    while time.monotonic() - changed_s < (_QUIET_AT_END_S if ended == len(cues) else _STANDSTILL_S):
        await asyncio.sleep(_POLL_S)
        processes.check()
        meter.read()
        timeline.read_new()
        speaks, stops = (
            sum(event["type"] == kind for event in timeline.events) for kind in ("user-speaks", "user-stops")
        )
        if speaks > begun:
            progress(speaks - begun)
        if (speaks, stops) != (begun, ended):
            begun, ended, changed_s = speaks, stops, time.monotonic()
        if begun < len(cues) and _rests(timeline):
            break
    return meter.loads


def _rests(timeline: Timeline) -> bool:
    """Tell whether the satellite has been idle for so long that nothing will be said into a reply any more."""
    last = next((event for event in reversed(timeline.events) if event["type"] in {"phase", "user-stops"}), None)
    idle = last is not None and last.get("phase") == "idle"
    return last is not None and idle and timeline.now() - last["t"] > _RESTS_S


class _Meter:
    """Reads a process's CPU time and memory about once a second; a simulated room hears in real time."""

    def __init__(self, pid: int) -> None:
        self.loads: list[Load] = []
        self._process = psutil.Process(pid)
        self._then_s, self._cpu_s = time.monotonic(), self._used_s()

    def read(self) -> None:
        now_s = time.monotonic()
        if now_s - self._then_s < 1:
            return
        used_s = self._used_s()
        rss_mb = self._process.memory_info().rss / _MEGABYTE
        self.loads.append(Load((used_s - self._cpu_s) / (now_s - self._then_s), rss_mb))
        self._then_s, self._cpu_s = now_s, used_s

    def _used_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


def _by_epoch(timeline: Timeline, references: Sequence[Reference]) -> dict[int, Reference]:
    """Give each reply's speech the epoch that was asked last before the satellite turned to the TTS server."""
    zero_mono_s = time.monotonic() - timeline.now()
    asked = [event for event in timeline.events if event["source"] == "satellite" and event["type"] == "ask"]
    found: dict[int, Reference] = {}
    for reference in references:
        before = [event["epoch"] for event in asked if event["t"] <= reference.asked_mono_s - zero_mono_s]
        if before:
            found[before[-1]] = reference
    return found
