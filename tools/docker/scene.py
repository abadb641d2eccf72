"""A conversation in the simulated room inside the satellite's container, judged as script/demo judges one."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tools.demo import is_over
from tools.docker.house import INSIDE, SERVERS, USER
from tools.harness.checks import Evidence, judge, load_channels
from tools.harness.scenarios import SCENARIOS
from tools.harness.timeline import Timeline, describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tools.docker.house import House
    from tools.harness.checks import Check

# Two questions, two replies, and a container that starts.
_LONGEST_S = 60.0
_POLL_S = 0.2


def play(house: House, scenario_name: str, name: str, say: Callable[[str], None]) -> list[Check]:
    """Play a scenario of the demo as a conversation of its own, and judge it; raises CommandFailedError."""
    scenario = SCENARIOS[scenario_name]
    folder = house.folder / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.chown(folder, USER, USER)
    inside = INSIDE / name
    for line in scenario.lines:
        shutil.copy(line.clip, folder)
    clips = [replace(line, clip=inside / line.clip.name).as_json() for line in scenario.lines]
    (folder / "room.json").write_text(json.dumps({"clips": clips}), encoding="utf-8")
    house.settings |= {
        "INTERJECT_SATELLITE_AUDIO": "simulated",
        "INTERJECT_SATELLITE_ROOM_SCRIPT": f"{inside}/room.json",
        "INTERJECT_SATELLITE_ROOM_RECORD_DIR": str(inside),
        "INTERJECT_SATELLITE_TRACE_FILE": f"{inside}/satellite.jsonl",
        "INTERJECT_SATELLITE_CONVERSATION_ID": name,
    }
    house.do("up", "-d", "--no-build", "--no-deps", "satellite")
    traces = [folder / "satellite.jsonl", *(house.folder / f"{server}.jsonl" for server in SERVERS)]
    timeline = Timeline(traces)
    ends = time.monotonic() + _LONGEST_S
    while time.monotonic() < ends and not is_over(scenario, timeline):
        time.sleep(_POLL_S)
        timeline.read_new()
    # The room is written when the satellite ends.
    house.do("stop", "satellite")
    timeline.read_new()
    for event in timeline.events:
        if told := describe(event):
            say(f"    {told}")
    evidence = Evidence(timeline.events, history(house, name), *load_channels(folder / "channels.wav"))
    return judge(scenario, evidence)


def history(house: House, conversation: str) -> list[dict[str, Any]]:
    """Return a conversation as the bridge keeps it; raises CommandFailedError."""
    command = ("python", "-m", "interject.servers.llm.history", "--conversation", conversation)
    messages: list[dict[str, Any]] = json.loads(house.inside("llm", *command))
    return messages
