"""The scenes of script/demo, as a user runs them: all of it truly happens."""

from __future__ import annotations

import asyncio
import json
import sys
import wave
from typing import TYPE_CHECKING

import pytest

from tests.processes.house import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# A scene takes 20 s; the demo gives up after 50 s by itself.
SCENE_S = 55.0


@pytest.mark.timeout(90)
async def test_the_main_scenes_happen(tmp_path: Path) -> None:
    """Side by side, because they run in real time and mostly wait."""
    scenes = ("barge-in", "backchannel", "stop")
    results = await asyncio.gather(*(_play(scene, tmp_path / scene) for scene in scenes))
    for scene, (status, said) in zip(scenes, results, strict=True):
        assert status == 0, said
        _check_files(tmp_path / scene)


async def _play(scene: str, out: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "script.support.demo", "--scenario", scene, "--out", str(out)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SCENE_S):
            said, _ = await process.communicate()
        return process.returncode, said.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _check_files(out: Path) -> None:
    """What the demo promises to leave behind for programs."""
    timeline = json.loads((out / "timeline.json").read_text(encoding="utf-8"))
    assert {"events", "history", "metrics"} <= timeline.keys()
    assert all({"t", "source", "type"} <= event.keys() for event in timeline["events"])
    assert all({"role", "content", "interrupted"} <= message.keys() for message in timeline["history"])
    for name, channels in (("room.wav", 1), ("channels.wav", 2)):
        with wave.open(str(out / name)) as file:
            assert (file.getnchannels(), file.getframerate()) == (channels, 16_000)
            assert file.getnframes() > 5 * 16_000
