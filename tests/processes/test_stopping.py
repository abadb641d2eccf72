"""Each process ends by SIGTERM with status 0 while all of them are at work."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.processes.house import house
from tools.testing.real_time import real_time

if TYPE_CHECKING:
    from pathlib import Path


@real_time
async def test_sigterm_ends_each_process_in_the_middle_of_a_reply(tmp_path: Path) -> None:
    with house(tmp_path, [("tell_me_a_long_story", "at_s", 1.0)]) as running:
        satellite = running["satellite"]
        await satellite.traced("reply-started")
        for process in running.values():
            process.signal(signal.SIGTERM)
        assert {name: await process.ended() for name, process in running.items()} == dict.fromkeys(running, 0)
        assert not any("Traceback" in process.log for process in running.values())


async def test_the_satellite_outlives_its_servers_and_ends_alone(tmp_path: Path) -> None:
    with house(tmp_path) as running:
        satellite = running.pop("satellite")
        for process in running.values():
            process.signal(signal.SIGTERM)
        assert {name: await process.ended() for name, process in running.items()} == dict.fromkeys(running, 0)
        assert satellite.is_up()
        satellite.signal(signal.SIGTERM)
        assert await satellite.ended() == 0
