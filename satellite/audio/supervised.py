"""A device that never ends: while the real one is missing, busy or broken there is silence, and it is tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np

from interject.satellite.audio.base import Block, Device, DeviceError, DeviceLostError, Render, running
from interject.satellite.audio.resampled import ResampledDevice
from interject.wire.outage import Backoff

_LOGGER = logging.getLogger(__name__)

# Looks for the device and gives it, not yet opened; raises DeviceError.
DeviceFactory = Callable[[], Awaitable[Device]]

# A replugged USB device needs about this long until ALSA shows it.
FIRST_RETRY_S = 0.5
# Each attempt opens every card of the machine, so it must not go on twice a second for a week; and a person who
# plugs the device in again should not wait for longer than this.
LONGEST_RETRY_S = 10.0
# A device that failed again sooner than this has not recovered: the waits go on growing.
STABLE_AFTER_S = 10.0
# A program that fails says something else each time, such as the hour; nobody needs all of it.
MOST_REASONS_TOLD = 5
# The period of silence while there is no device: that of the real devices.
SILENT_BLOCK_MS = 20
# What nearly every sound card runs at: the rate to show when there is no device yet that could be asked.
USUAL_RATE_HZ = 48_000


class DeviceHealth(Enum):
    """Whether there is sound."""

    WORKING = "working"
    FAILED = "failed"


# (health, sentence for people)
OnHealth = Callable[[DeviceHealth, str], None]


@dataclass(slots=True)
class _Outage:
    """What is known of the device's failures since it last ran for a while."""

    backoff: Backoff = field(default_factory=lambda: Backoff(FIRST_RETRY_S, LONGEST_RETRY_S))
    told: set[str] = field(default_factory=set)


async def supervise(make: DeviceFactory, name: str, on_health: OnHealth | None = None) -> SupervisedDevice:
    """Supervise the device that `make` finds, at its native rate; at the usual rate while there is none."""
    try:
        rate_hz = (await make()).rate_hz
    except DeviceError as error:
        # The supervisor meets the same failure when it opens the device, and tells it.
        _LOGGER.debug("%s: no native rate known yet: %s", name, error)
        rate_hz = USUAL_RATE_HZ
    return SupervisedDevice(make, name, rate_hz, on_health)


class SupervisedDevice:
    """Shows the device that `make` finds, at one rate for its whole life; its blocks never end by themselves.

    While there is no working device the blocks are silent, paced by the loop's clock, and `render` is not called:
    nothing is heard, so playback does not go on.
    """

    def __init__(self, make: DeviceFactory, name: str, rate_hz: int, on_health: OnHealth | None = None) -> None:
        self._make = make
        self._name = name
        self._rate_hz = rate_hz
        self._on_health = on_health
        self._device: Device | None = None
        self._frame = 0
        self._due_s = 0.0

    @property
    def name(self) -> str:
        """What logs and errors call it."""
        return self._name

    @property
    def rate_hz(self) -> int:
        """Sample rate of both directions; a device with another one is converted."""
        return self._rate_hz

    @property
    def output_latency_frames(self) -> int:
        """That of the working device; 0 while there is none."""
        return 0 if self._device is None else self._device.output_latency_frames

    async def blocks(self, render: Render) -> AsyncGenerator[Block, None]:
        """Yield blocks for ever; raises only what is no DeviceError."""
        self._frame = 0
        self._due_s = asyncio.get_running_loop().time()
        outage = _Outage()
        while True:
            try:
                async with aclosing(self._one_life(render, outage)) as blocks:
                    async for block in blocks:
                        yield block
            except DeviceError as error:
                self._failed(outage, error)
            pause = asyncio.create_task(asyncio.sleep(outage.backoff.next_s()), name=f"retry {self._name}")
            async with aclosing(self._silence_until(pause)) as silence:
                async for block in silence:
                    yield block

    async def _one_life(self, render: Render, outage: _Outage) -> AsyncGenerator[Block, None]:
        """Open a device and show its blocks until it fails; silence until it is open."""
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as device_life:
            opening = asyncio.create_task(self._open(render, device_life), name=f"open {self._name}")
            async with aclosing(self._silence_until(opening)) as silence:
                async for block in silence:
                    yield block
            device, blocks, first = opening.result()
            self._device = device
            device_life.callback(self._forget_device)
            self._works(outage)
            began_s = loop.time()
            offset = self._frame - first.frame
            yield self._shown(first, offset)
            async for block in blocks:
                self._due_s = loop.time()
                if self._due_s - began_s >= STABLE_AFTER_S:
                    outage.backoff.reset()
                yield self._shown(block, offset)
        raise DeviceLostError(self._name, "its audio ended")

    async def _open(self, render: Render, life: AsyncExitStack) -> tuple[Device, AsyncIterator[Block], Block]:
        """Give the device, its blocks and the first of them, which proves that it works; `life` closes it."""
        device = await self._make()
        if device.rate_hz != self._rate_hz:
            device = ResampledDevice(device, self._rate_hz)
        blocks = await life.enter_async_context(running(device, render))
        try:
            return device, blocks, await anext(blocks)
        except StopAsyncIteration:
            raise DeviceLostError(self._name, "it gave no audio") from None

    async def _silence_until(self, task: asyncio.Task[Any]) -> AsyncGenerator[Block, None]:
        """Yield silent blocks at the pace of the loop's clock until `task` is done; closing ends the task."""
        frames = self._rate_hz * SILENT_BLOCK_MS // 1000
        loop = asyncio.get_running_loop()
        try:
            while True:
                due_s = self._due_s + frames / self._rate_hz
                await asyncio.wait({task}, timeout=max(0.0, due_s - loop.time()))
                if task.done():
                    return
                self._due_s = due_s
                silence = np.zeros(frames, np.int16)
                block = Block(silence, silence, self._frame)
                self._frame += frames
                yield block
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _shown(self, block: Block, offset: int) -> Block:
        shown = replace(block, frame=block.frame + offset)
        self._frame = shown.frame + len(block.mic)
        return shown

    def _works(self, outage: _Outage) -> None:
        if outage.told:
            outage.told.clear()
            _LOGGER.info("%s works again", self._name)
        self._report(DeviceHealth.WORKING, f"{self._name} works")

    def _failed(self, outage: _Outage, error: DeviceError) -> None:
        """Tell each reason once in an outage."""
        reason = str(error)
        if reason in outage.told or len(outage.told) >= MOST_REASONS_TOLD:
            _LOGGER.debug("%s: still: %s", self._name, reason)
            return
        outage.told.add(reason)
        _LOGGER.warning("%s: %s; silent meanwhile, trying again", self._name, reason)
        self._report(DeviceHealth.FAILED, reason)

    def _report(self, health: DeviceHealth, text: str) -> None:
        if self._on_health is not None:
            self._on_health(health, text)

    def _forget_device(self) -> None:
        self._device = None
