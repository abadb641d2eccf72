"""The sounds that are shipped let the user know, and spoil no turn, however loudly the microphone hears them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.processes.house import house
from tools.testing.real_time import real_time

if TYPE_CHECKING:
    from pathlib import Path

# The microphone hears the loudspeaker nearly as loud as it plays: a speakerphone on a table.
LOUD_ECHO = ("--room-echo-db", "-10")


@real_time
async def test_who_waits_for_the_awake_sound_hears_it_and_is_understood(tmp_path: Path) -> None:
    lines = [("okay_nabu", "at_s", 3.0), ("what_time_is_it", "at_s", 5.6)]
    with house(tmp_path, lines, {"satellite": ("--wake-word", "local", *LOUD_ECHO)}) as running:
        satellite = running["satellite"]
        await satellite.traced("reply-played")
        (ask,) = satellite.trace("ask")
        # What is left of the wake word may come as a word before it.
        assert ask["text"].endswith("what time is it")
        (detection,) = satellite.trace("detection")
        awake, done, *_ = satellite.trace("loudspeaker-starts")
        assert detection["t"] < awake["t"] < satellite.trace("user-speaks")[1]["t"]
        # A quick recogniser has the text when the sound begins.
        assert awake["t"] < done["t"] < satellite.trace("reply-started")[0]["t"]
