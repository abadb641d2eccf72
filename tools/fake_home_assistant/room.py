"""A fake Home Assistant and a plain satellite, connected, on a virtual clock."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tools.fake_home_assistant.peer import FakeHomeAssistant
from tools.fake_home_assistant.plain_satellite import PlainSatellite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tools.fake_home_assistant.script import Answer, Turn


@asynccontextmanager
async def room(
    turns: Sequence[Turn] | Answer = (), **options: Any
) -> AsyncIterator[tuple[FakeHomeAssistant, PlainSatellite]]:
    """Give both once `run-satellite` has arrived; `options` are those of FakeHomeAssistant."""
    satellite = PlainSatellite()
    try:
        async with FakeHomeAssistant(satellite.connect, turns, **options) as home:
            # The info on the live connection is answered after `run-satellite` has been read.
            await home.connected()
            await home.log.until(lambda: home.info is not None, "the satellite to describe itself")
            yield home, satellite
    finally:
        await satellite.stop()
