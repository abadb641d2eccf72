"""One Home Assistant, our programs added to it through proxies, and as many scenes as are wanted."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.harness.processes import Processes
from tools.home_assistant.actions import ACTIONS
from tools.home_assistant.additions import add_all
from tools.home_assistant.proxy import Proxy, Wire
from tools.home_assistant.scene_run import SceneRun, clear, play
from tools.home_assistant.scenes import Scene
from tools.home_assistant.streaming_model import StreamingModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tools.home_assistant.additions import Additions
    from tools.home_assistant.client import Client
    from tools.home_assistant.evidence import Evidence

_ROLES = ("stt", "llm", "tts", "satellite")
_NAME = "Interject test"
_LONG_ANSWER = (
    "Once upon a time there was a lighthouse on a rock far out in the sea. Its keeper climbed the stairs each evening. "
    "He lit the lamp and watched the ships go by. One night a storm came up, and the lamp went out. "
    "The keeper took a lantern and stood at the window until the morning. All the ships came home. "
    "When the sun rose he put the lantern down, made himself a cup of tea, and slept until the afternoon."
)
_ANSWERS = {"story": _LONG_ANSWER, "time": "It is time for a cup of tea."}


@dataclass(frozen=True, slots=True)
class Harness:
    """Plays scenes; `version` is Home Assistant's."""

    version: str
    folder: Path
    proxies: Mapping[str, Proxy]
    additions: Additions

    async def play(self, scene: Scene) -> Evidence:
        """Play a scene, in a folder of its own; raises InterjectError."""
        return await play(scene, self.folder / scene.name, self.proxies, self.additions, ACTIONS[scene.action])


@asynccontextmanager
async def harness(client: Client, folder: Path) -> AsyncIterator[Harness]:
    """Add our programs to a Home Assistant, and take them away in the end; raises InterjectError."""
    async with AsyncExitStack() as stack:
        wire = Wire(folder / "adding" / "wire.jsonl")
        proxies = {role: await stack.enter_async_context(Proxy(role, wire)) for role in _ROLES}
        model = await stack.enter_async_context(StreamingModel(_ANSWERS, _LONG_ANSWER))
        # They must be there to be added; each scene starts them anew.
        async with Processes(os.environ) as processes:
            await asyncio.to_thread(clear, folder / "adding")
            empty = SceneRun(Scene("adding", "", ()), folder / "adding", processes, proxies, wire)
            await empty.start_servers()
            await empty.start_satellite(())
            ports = {role: proxy.port for role, proxy in proxies.items()}
            additions = await stack.enter_async_context(add_all(client, ports, model.url, _NAME))
        yield Harness(client.version, folder, proxies, additions)
