"""The room as a satellite's device."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING

from interject.satellite.audio.base import Block, render_exactly
from tools.simulator.acoustic import AcousticRoom
from tools.simulator.levels import RATE_HZ, frames_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from interject.satellite.audio.base import Render
    from tools.simulator.acoustic import Heard
    from tools.simulator.staging import Stage

# 20 ms, as the device for sound cards has it.
_DEVICE_BLOCK_FRAMES = 320


class RoomDevice:
    """A Device in a scene, paced by the event loop's clock: in real time, or as fast as it goes on a virtual one.

    Every time it is opened the scene begins anew. `told` gets what the microphone hears of each block, taken apart.
    """

    def __init__(
        self,
        stage: Stage,
        block_frames: int = _DEVICE_BLOCK_FRAMES,
        told: Callable[[Heard], None] = lambda heard: None,
    ) -> None:
        self._stage = stage
        self._block_frames = block_frames
        self._told = told

    @property
    def name(self) -> str:
        """What logs and errors call it."""
        return f"the room of {self._stage.scene.name}"

    @property
    def rate_hz(self) -> int:
        """Sample rate of both directions."""
        return RATE_HZ

    @property
    def output_latency_frames(self) -> int:
        """Frames between render() handing a sample over and it leaving the loudspeaker: all of the room's delay."""
        return frames_of(self._stage.scene.delay_ms / 1000)

    async def blocks(self, render: Render) -> AsyncGenerator[Block, None]:
        """Yield each period when the loop's clock has passed it; late ones at once, none dropped."""
        loop = asyncio.get_running_loop()
        room = AcousticRoom(self._stage)
        opened_s = loop.time()
        for number in count(1):
            await asyncio.sleep(max(0.0, opened_s + number * self._block_frames / RATE_HZ - loop.time()))
            frame = room.frame
            played = self._stage.sent(render_exactly(render, self._block_frames), frame)
            heard = room.listen(played)
            self._told(heard)
            yield Block(heard.mic, played, frame)
