"""A room in software: a loudspeaker, a microphone that hears it, a user who follows a script, and noise.

It is paced by the event loop's clock alone, so that it runs in real time and, unchanged, on a virtual clock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.base import Block, RoomScriptError, render_exactly
from interject.satellite.audio.pcm import INT16_FULL_SCALE, Mono, gain_of, to_int16
from interject.satellite.audio.wav import WavRecorder, writer_thread
from interject.satellite.simulator.noise import Noise, NoiseColour
from interject.satellite.simulator.records import ClockStarted
from interject.satellite.simulator.script import RoomScript
from interject.satellite.simulator.user import RoomUser, load_clips
from interject.wire.trace import NoTrace

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from concurrent.futures import Executor
    from pathlib import Path

    from interject.satellite.audio.base import Render, Samples
    from interject.wire.trace import Trace

# What is published of latencies in this room was measured with it; a sound card's blocks are twice as long.
BLOCK_MS = 10


@dataclass(frozen=True, slots=True)
class RoomAcoustics:
    """What the room does to sound.

    echo_db: level of the loudspeaker at the microphone.
    echo_delay_ms: from leaving the loudspeaker to the microphone.
    noise_db: level of the background noise at the microphone, dBFS RMS; None for none.
    """

    echo_db: float = -40.0
    echo_delay_ms: float = 5.0
    noise_db: float | None = -60.0
    noise_colour: NoiseColour = NoiseColour.PINK
    noise_seed: int = 1


class SimulatedRoom:
    """A Device that is a room; `trace` gets what happens in it, in seconds of its sample clock.

    `record_to` is a folder for room.wav (user + loudspeaker, as an ear in the room hears them) and channels.wav
    (microphone, and the loudspeaker as it left the loudspeaker).
    """

    def __init__(
        self,
        script: RoomScript | None = None,
        acoustics: RoomAcoustics | None = None,
        *,
        rate_hz: int = 16_000,
        block_ms: int = BLOCK_MS,
        output_latency_blocks: int = 1,
        record_to: Path | None = None,
        trace: Trace | None = None,
        name: str = "the simulated room",
    ) -> None:
        self._script = script or RoomScript()
        self._acoustics = acoustics or RoomAcoustics()
        self._rate_hz = rate_hz
        self._block_frames = rate_hz * block_ms // 1000
        self._latency_blocks = output_latency_blocks
        self._record_to = record_to
        self._trace = trace or NoTrace()
        self._name = name

    @property
    def name(self) -> str:
        """What logs and errors call it."""
        return self._name

    @property
    def rate_hz(self) -> int:
        """Sample rate of both directions."""
        return self._rate_hz

    @property
    def output_latency_frames(self) -> int:
        """Frames between render() handing a sample over and it leaving the loudspeaker."""
        return self._latency_blocks * self._block_frames

    async def blocks(self, render: Render) -> AsyncGenerator[Block, None]:
        """Yield each period when the loop's clock has passed it; late ones at once, none dropped.

        Raises RoomScriptError when a clip cannot be read or a recording cannot be made.
        """
        loop = asyncio.get_running_loop()
        frames = self._block_frames
        async with AsyncExitStack() as stack:
            executor = writer_thread()
            stack.callback(executor.shutdown, wait=False)
            clips = await loop.run_in_executor(executor, load_clips, self._script, self._rate_hz)
            recordings = await self._open_recordings(stack, executor)
            user = RoomUser(clips, self._rate_hz, self._trace)
            noise = Noise(self._acoustics.noise_db, self._acoustics.noise_colour, self._acoustics.noise_seed)
            echo = _Echo(self._acoustics, self._rate_hz)
            leaving = deque(np.zeros(frames, np.int16) for _ in range(self._latency_blocks))
            opened_s = loop.time()
            self._trace.emit(ClockStarted(rate_hz=self._rate_hz), 0.0)
            for number in count():
                await asyncio.sleep(max(0.0, opened_s + (number + 1) * frames / self._rate_hz - loop.time()))
                played = render_exactly(render, frames)
                leaving.append(played)
                loudspeaker = leaving.popleft()
                voice = user.says(loudspeaker, number * frames)
                mic = to_int16(voice + echo.of(loudspeaker) + noise.next(frames))
                if recordings is not None:
                    await recordings.add(voice, loudspeaker, mic)
                yield Block(mic, played, number * frames)

    async def _open_recordings(self, stack: AsyncExitStack, executor: Executor) -> _Recordings | None:
        if self._record_to is None:
            return None
        recordings = _Recordings(self._record_to, self._rate_hz, executor)
        try:
            await recordings.open()
        except OSError as error:
            raise RoomScriptError(self._record_to, f"cannot record there: {error.strerror}") from error
        stack.push_async_callback(recordings.close)
        return recordings


class _Echo:
    """The loudspeaker as the microphone hears it: delayed and quieter."""

    def __init__(self, acoustics: RoomAcoustics, rate_hz: int) -> None:
        self._gain = gain_of(acoustics.echo_db) / INT16_FULL_SCALE
        self._late = np.zeros(round(acoustics.echo_delay_ms * rate_hz / 1000), np.int16)

    def of(self, loudspeaker: Samples) -> Mono:
        """Give what arrives while `loudspeaker` leaves."""
        line = np.concatenate((self._late, loudspeaker))
        arriving, self._late = line[: len(loudspeaker)], line[len(loudspeaker) :]
        return arriving.astype(np.float32) * np.float32(self._gain)


class _Recordings:
    """room.wav and channels.wav."""

    def __init__(self, folder: Path, rate_hz: int, executor: Executor) -> None:
        self._room = WavRecorder(folder / "room.wav", rate_hz, 1, executor)
        self._channels = WavRecorder(folder / "channels.wav", rate_hz, 2, executor)

    async def open(self) -> None:
        await self._room.open()
        await self._channels.open()

    async def add(self, voice: Mono, loudspeaker: Samples, mic: Samples) -> None:
        await self._room.add(to_int16(voice + loudspeaker.astype(np.float32) / np.float32(INT16_FULL_SCALE)))
        await self._channels.add(mic, loudspeaker)

    async def close(self) -> None:
        await self._room.close()
        await self._channels.close()
