"""Plays one scene: our four processes anew, the same Home Assistant, everything that passes written down."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.servers.llm.history import as_json
from interject.servers.llm.store import read_conversations
from interject.wire.errors import InterjectError
from tools.harness.processes import Processes, Program, free_uri, module_of
from tools.harness.timeline import Timeline
from tools.harness.warm_up import warm_up_stt, warm_up_tts
from tools.home_assistant.evidence import Evidence, read_life, read_trace
from tools.home_assistant.proxy import Wire
from tools.home_assistant.scenes import START_S, Action, Ends

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from tools.home_assistant.additions import Additions
    from tools.home_assistant.proxy import Proxy
    from tools.home_assistant.scenes import Saying, Scene

SERVERS = ("stt", "llm", "tts")
_STORE = "conversations.sqlite3"
# Over Wyoming an agent answers in one piece: at a model's pace, a long answer takes a long silence first.
_FAST_WRITER = ("--offline-words-per-second", "300")
_CONNECTED_WITHIN_S = 25.0
_POLL_S = 0.05
# How long the room stays quiet before a scene is over.
_QUIET_AT_END_S = 2.0
# What has begun is known for what it is after this time.
_BEGUN_S = 3.0
# No scene but the long ones takes more, however slow an answer.
_LONGEST_S = 70.0
_LONGEST_A_LINE_S = 12.0


class NoConnectionError(InterjectError):
    """Home Assistant did not turn to the satellite."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Home Assistant has not sent run-satellite within {seconds:g} s")


@dataclass(slots=True)
class SceneRun:
    """A scene under way: its processes and proxies, which an action may change."""

    scene: Scene
    folder: Path
    processes: Processes
    proxies: Mapping[str, Proxy]
    wire: Wire
    programs: dict[str, Program] = field(default_factory=dict)
    timelines: list[Timeline] = field(default_factory=list)
    # Moments that the action noted.
    seen: dict[str, float] = field(default_factory=dict)

    async def start_servers(self) -> None:
        """Start STT, the bridge and TTS, and wait until they can work."""
        for name in SERVERS:
            bridge = ["--store", str(self.folder / _STORE), *_FAST_WRITER, *self.scene.llm_flags]
            flags = bridge if name == "llm" else []
            self.programs[name] = self._program(name, self.folder, flags)
            await self.processes.start(self.programs[name])
        await asyncio.gather(*(self.processes.wait_until_ready(name) for name in SERVERS))
        await warm_up_stt(self.programs["stt"].uri)
        await warm_up_tts(self.programs["tts"].uri)
        for name in SERVERS:
            self.proxies[name].target = self.programs[name].uri

    async def start_satellite(self, sayings: Sequence[Saying]) -> None:
        """Start a satellite in a room where these things are said."""
        folder = self.folder / f"satellite-{len(self.timelines) + 1}"
        folder.mkdir()
        script = {"clips": [saying.line.as_json() for saying in sayings]}
        (folder / "room.json").write_text(json.dumps(script), encoding="utf-8")
        addresses = [part for name in self.scene.addresses for part in (f"--{name}-uri", self.programs[name].uri)]
        room = ["--audio", "simulated", "--room-script", str(folder / "room.json"), "--room-record-dir", str(folder)]
        mode = ["--pipeline", "home-assistant", "--wake-word", "none", "--no-zeroconf"]
        flags = [*mode, *addresses, *room, "--control-socket", "none", *self.scene.satellite_flags]
        self.programs["satellite"] = self._program("satellite", folder, flags)
        self.timelines.append(Timeline([folder / "satellite.jsonl"]))
        await self.processes.start(self.programs["satellite"])
        await self.processes.wait_until_ready("satellite")
        self.proxies["satellite"].target = self.programs["satellite"].uri

    async def crash(self, name: str) -> None:
        """Kill a server and start it again at the same address."""
        self.seen[f"{name} killed"] = time.monotonic()
        await self.processes.kill(name)
        await self.processes.start(self.programs[name])
        await self.processes.wait_until_ready(name)

    async def line_said(self, number: int, patience_s: float) -> bool:
        """Wait until so many lines have been said in the present room, or for a time, and tell whether they have."""
        for _ in range(round(patience_s / _POLL_S)):
            if sum(e["type"] == "user-stops" for e in self.timelines[-1].events) >= number:
                return True
            await asyncio.sleep(_POLL_S)
        return False

    def _program(self, name: str, folder: Path, flags: Sequence[str]) -> Program:
        traced = ["--trace-file", str(folder / f"{name}.jsonl"), *flags]
        return Program(name, module_of(name), free_uri(), traced, folder / f"{name}.log")


async def play(
    scene: Scene,
    folder: Path,
    proxies: Mapping[str, Proxy],
    additions: Additions,
    action: Callable[[SceneRun, Additions], Coroutine[None, None, None]],
) -> Evidence:
    """Play a scene to its end; raises ProcessDiedError, NoConnectionError, HomeAssistantError."""
    await asyncio.to_thread(clear, folder)
    wire = Wire(folder / "wire.jsonl")
    for proxy in proxies.values():
        proxy.write_to(wire)
    proxies["tts"].pace = scene.tts_pace
    async with Processes(os.environ) as processes:
        scene_run = SceneRun(scene, folder, processes, proxies, wire)
        await scene_run.start_servers()
        await additions.forget_speech()
        lives = _by_life(scene)
        await scene_run.start_satellite(lives[0])
        connected = asyncio.create_task(
            wire.next("satellite", "run-satellite", _CONNECTED_WITHIN_S, from_home=True), name="run-satellite"
        )
        await additions.reload_satellite()
        if await connected is None:
            raise NoConnectionError(_CONNECTED_WITHIN_S)
        await additions.use_pipeline(scene.agent)
        acting = asyncio.create_task(action(scene_run, additions), name=f"action of {scene.name}")
        try:
            await _follow(scene_run, acting)
        finally:
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)
        await processes.stop("satellite")
    return await asyncio.to_thread(_collect, scene_run)


def _by_life(scene: Scene) -> list[Sequence[Saying]]:
    if scene.action is Action.RESTART_SATELLITE:
        return [(saying,) for saying in scene.sayings]
    return [scene.sayings]


async def restart_satellite(scene_run: SceneRun) -> None:
    """Stop the satellite in good order and start it again, in a room where the rest is said."""
    scene_run.seen["satellite stopped"] = time.monotonic()
    await scene_run.processes.stop("satellite")
    scene_run.proxies["satellite"].target = None
    rest = scene_run.scene.sayings[-1]
    # Home Assistant comes back by itself, in its own time.
    await scene_run.start_satellite([rest])


def clear(folder: Path) -> None:
    """Make a folder, or make it empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


async def _follow(scene_run: SceneRun, acting: asyncio.Task[None]) -> None:
    limit_s = max(_LONGEST_S, START_S + len(scene_run.scene.sayings) * _LONGEST_A_LINE_S)
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        await asyncio.sleep(_POLL_S)
        if acting.done():
            acting.result()
            scene_run.processes.check()
        for timeline in scene_run.timelines:
            timeline.read_new()
        if acting.done() and _is_over(scene_run):
            return


def _is_over(scene_run: SceneRun) -> bool:
    timeline = scene_run.timelines[-1]
    events = [event for each in scene_run.timelines for event in each.events]
    stops = sum(event["type"] == "user-stops" for event in events)
    if stops < len(scene_run.scene.sayings):
        return False
    if scene_run.scene.sayings and scene_run.scene.sayings[-1].ends is Ends.BEGUN:
        stopped = [e["t"] for e in timeline.events if e["type"] == "user-stops"]
        starts = [e["t"] for e in timeline.events if e["type"] == "loudspeaker-starts" and e["t"] > stopped[-1]]
        if starts:
            return bool(timeline.now() - starts[-1] >= _BEGUN_S)
    changes = [e["t"] for e in timeline.events if e["type"] in {"user-stops", "phase", "loudspeaker-stops"}]
    phases = [e for e in timeline.events if e["type"] == "phase"]
    rests = not phases or bool(phases[-1]["phase"] == "idle")
    sounds = sum(e["type"] == "loudspeaker-starts" for e in timeline.events)
    silences = sum(e["type"] == "loudspeaker-stops" for e in timeline.events)
    quiet_s = timeline.now() - max([START_S, *changes])
    return bool(rests and sounds == silences and quiet_s >= _QUIET_AT_END_S)


def _collect(scene_run: SceneRun) -> Evidence:
    folder = scene_run.folder
    lives = [read_life(life / "satellite.jsonl", life / "channels.wav") for life in sorted(folder.glob("satellite-*"))]
    servers = [record for name in SERVERS for record in read_trace(folder / f"{name}.jsonl")]
    conversations = read_conversations(folder / _STORE).values()
    history = [message for conversation in conversations for message in as_json(conversation)]
    return Evidence(scene_run.scene, lives, servers, scene_run.wire.passed, history, scene_run.seen)
