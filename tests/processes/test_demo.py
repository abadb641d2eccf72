"""The scenes of script/demo, as a user runs them: all of it truly happens."""

from __future__ import annotations

import asyncio
import json
import sys
import wave
from typing import TYPE_CHECKING

import pytest

from tests.processes.house import ROOT
from tools.demo import PROGRAMS
from tools.testing.patience import PATIENCE_S, expecting, showing
from tools.testing.real_time import real_time

if TYPE_CHECKING:
    from pathlib import Path


@real_time
@pytest.mark.parametrize("scene", ["barge-in", "backchannel", "stop"])
async def test_the_main_scenes_happen(tmp_path: Path, scene: str) -> None:
    with showing(lambda: [tmp_path / f"{name}.{kind}" for name in PROGRAMS for kind in ("jsonl", "log")]):
        status, said = await _play(scene, tmp_path)
        assert status == 0, f"expected all of `script/demo --scenario {scene}` to happen:\n{said}"
        _check_files(tmp_path)


async def _play(scene: str, out: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.demo", "--scenario", scene, "--out", str(out), "--picture"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with expecting(f"`script/demo --scenario {scene}` to end", 2 * PATIENCE_S):
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
    assert (out / "interruption.svg").read_text(encoding="utf-8").startswith("<svg")
    for name, channels in (("room.wav", 1), ("channels.wav", 2)):
        with wave.open(str(out / name)) as file:
            assert (file.getnchannels(), file.getframerate()) == (channels, 16_000)
            assert file.getnframes() > 5 * 16_000
