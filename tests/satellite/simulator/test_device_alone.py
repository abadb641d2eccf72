"""The simulated room for somebody who tries it: it says that nobody speaks, and its format is the documented one."""

from __future__ import annotations

import asyncio
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from interject.satellite.app.device import sound_device
from interject.satellite.settings import SatelliteSettings
from interject.satellite.simulator.script import AfterClip, AfterLoudspeaker, AtTime, load_script
from interject.wire.settings import load
from interject.wire.trace import NoTrace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("flags", "told"), [((), True), (("--text",), False)], ids=["alone", "with text"])
def test_that_nobody_speaks_there_is_told(flags: tuple[str, ...], told: bool, caplog: pytest.LogCaptureFixture) -> None:
    argv = ["--audio", "simulated", *flags]
    settings = load(SatelliteSettings, prefix="satellite", argv=argv, environ={}, description="")

    async def main() -> None:
        async with sound_device(settings, NoTrace()):
            pass

    asyncio.run(main())
    assert ("nobody speaks in the simulated room: give --room-script FILE" in caplog.text) is told


def test_the_documented_scene_is_understood(tmp_path: Path, repository: Path) -> None:
    page = (repository / "docs" / "hearing.md").read_text(encoding="utf-8")
    (scene,) = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "room.json").write_text(scene, encoding="utf-8")
    for name in re.findall(r"[\w-]+\.wav", scene):
        shutil.copy(repository / "tests" / "clips" / "stop.wav", tmp_path / name)

    script = load_script(tmp_path / "room.json")

    assert [type(clip.start) for clip in script.clips] == [AtTime, AfterLoudspeaker, AfterClip]
