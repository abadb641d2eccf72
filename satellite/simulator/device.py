"""A sound device in a room in software, in which satellite, demo, benches and tests can be without a sound card.

It is paced by the event loop's clock alone, so that it runs in real time and, unchanged, on a virtual clock.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import AsyncExitStack
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.base import Block, RoomScriptError, render_exactly
from interject.satellite.audio.pcm import INT16_FULL_SCALE, to_int16
from interject.satellite.audio.wav import WavRecorder, writer_thread
from interject.satellite.simulator.records import ClockStarted
from interject.satellite.simulator.room import RoomAcoustics, ScriptedRoom
from interject.wire.trace import NoTrace

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from concurrent.futures import Executor
    from pathlib import Path

    from interject.satellite.audio.base import Render
    from interject.satellite.simulator.room import Heard, Room
    from interject.wire.trace import Trace

# What is published of latencies in this room was measured with it; a sound card's blocks are twice as long.
BLOCK_MS = 10
# As long as a sound card's: in text mode each wake-up of the process costs, and nobody hears how soon it comes.
_TEXT_MODE_BLOCK_MS = 20


class SimulatedDevice:
    """A Device in a room in software, which begins anew every time that the device is opened.

    `trace` gets what happens in the room, in seconds of the device's clock. `told` gets what is heard in each block,
    taken apart. `record_to` is a folder for room.wav (people + loudspeaker, as an ear in the room hears them) and
    channels.wav (microphone, and the loudspeaker as it left the loudspeaker).
    """

    def __init__(
        self,
        room: Room | None = None,
        *,
        block_ms: int = BLOCK_MS,
        record_to: Path | None = None,
        trace: Trace | None = None,
        told: Callable[[Heard], None] | None = None,
    ) -> None:
        self._room = room or ScriptedRoom()
        self._block_frames = self._room.rate_hz * block_ms // 1000
        self._record_to = record_to
        self._trace = trace or NoTrace()
        self._told = told

    @property
    def name(self) -> str:
        """What logs and errors call it."""
        return self._room.name

    @property
    def rate_hz(self) -> int:
        """Sample rate of both directions."""
        return self._room.rate_hz

    @property
    def output_latency_frames(self) -> int:
        """Frames between render() handing a sample over and it leaving the loudspeaker."""
        return self._room.output_latency_frames

    async def blocks(self, render: Render) -> AsyncGenerator[Block, None]:
        """Yield each period when the loop's clock has passed it; late ones at once, none dropped.

        Raises RoomScriptError when a clip cannot be read or a recording cannot be made.
        """
        loop = asyncio.get_running_loop()
        frames, rate_hz = self._block_frames, self._room.rate_hz
        async with AsyncExitStack() as stack:
            executor = writer_thread()
            stack.callback(executor.shutdown, wait=False)
            room = await loop.run_in_executor(executor, self._room.open, self._trace)
            recordings = await self._open_recordings(stack, executor)
            opened_s = loop.time()
            self._trace.emit(ClockStarted(rate_hz=rate_hz), 0.0)
            for number in count():
                await asyncio.sleep(max(0.0, opened_s + (number + 1) * frames / rate_hz - loop.time()))
                heard = room.listen(render_exactly(render, frames))
                if self._told is not None:
                    self._told(heard)
                if recordings is not None:
                    await recordings.add(heard)
                yield Block(heard.mic, heard.sent, number * frames)

    async def _open_recordings(self, stack: AsyncExitStack, executor: Executor) -> _Recordings | None:
        if self._record_to is None:
            return None
        recordings = _Recordings(self._record_to, self._room.rate_hz, executor)
        try:
            await recordings.open()
        except OSError as error:
            raise RoomScriptError(self._record_to, f"cannot record there: {error.strerror}") from error
        stack.push_async_callback(recordings.close)
        return recordings


def text_mode_device(rate_hz: int = 16_000) -> SimulatedDevice:
    """Give a device whose microphone is silent and whose loudspeaker nobody hears, at the pace of time."""
    silence = RoomAcoustics(echo_db=-math.inf, noise_db=None, output_latency_ms=_TEXT_MODE_BLOCK_MS)
    room = ScriptedRoom(acoustics=silence, rate_hz=rate_hz, name="text mode")
    return SimulatedDevice(room, block_ms=_TEXT_MODE_BLOCK_MS)


class _Recordings:
    """room.wav and channels.wav."""

    def __init__(self, folder: Path, rate_hz: int, executor: Executor) -> None:
        self._room = WavRecorder(folder / "room.wav", rate_hz, 1, executor)
        self._channels = WavRecorder(folder / "channels.wav", rate_hz, 2, executor)

    async def open(self) -> None:
        await self._room.open()
        await self._channels.open()

    async def add(self, heard: Heard) -> None:
        loudspeaker = heard.loudspeaker.astype(np.float32) / np.float32(INT16_FULL_SCALE)
        await self._room.add(to_int16(heard.people + loudspeaker))
        await self._channels.add(heard.mic, heard.loudspeaker)

    async def close(self) -> None:
        await self._room.close()
        await self._channels.close()
