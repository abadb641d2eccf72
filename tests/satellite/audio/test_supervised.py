from __future__ import annotations

import asyncio
import logging
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.base import (
    Block,
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    running,
)
from interject.satellite.audio.supervised import USUAL_RATE_HZ, DeviceHealth, SupervisedDevice, supervise
from interject.satellite.simulator.device import SimulatedDevice
from interject.satellite.simulator.room import ScriptedRoom
from tools.testing.virtual_clock import run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from interject.satellite.audio.base import Render, Samples


class Failing(SimulatedDevice):
    """A room whose device is torn out after a while."""

    def __init__(self, lives_s: float, rate_hz: int = 16_000) -> None:
        super().__init__(ScriptedRoom(rate_hz=rate_hz))
        self._lives = lives_s * rate_hz

    async def blocks(self, render: Render) -> AsyncGenerator[Block, None]:
        async with running(SimulatedDevice(ScriptedRoom(rate_hz=self.rate_hz)), render) as blocks:
            async for block in blocks:
                yield block
                if block.frame > self._lives:
                    raise DeviceLostError("the card", "unplugged")


class Shelf:
    """Devices and failures in the order in which they are found."""

    def __init__(self, *found: SimulatedDevice | DeviceError) -> None:
        self._found = list(found)
        self.asked_at: list[float] = []

    async def __call__(self) -> SimulatedDevice:
        self.asked_at.append(asyncio.get_running_loop().time())
        thing = self._found.pop(0) if len(self._found) > 1 else self._found[0]
        if isinstance(thing, DeviceError):
            raise thing
        return thing


def noise(frames: int) -> Samples:
    return np.full(frames, 1000, np.int16)


async def listen(device: SupervisedDevice, seconds: float) -> list[Block]:
    heard: list[Block] = []
    async with running(device, noise) as blocks:
        async for block in blocks:
            heard.append(block)
            if block.frame >= seconds * device.rate_hz:
                return heard
    raise AssertionError("a supervised device ended")


def test_silence_goes_on_at_the_pace_of_the_clock_until_the_device_is_back() -> None:
    async def main() -> None:
        missing = DeviceMissingError("microphone 'usb'", ["0: hdmi"])
        device = SupervisedDevice(Shelf(Failing(2.0), missing, missing, SimulatedDevice()), "card", 16_000)
        heard = await listen(device, 8)
        for block, following in pairwise(heard):
            assert following.frame == block.frame + len(block.mic)
        silent_s = sum(len(block.played) for block in heard if not block.played.any()) / 16_000
        assert silent_s == pytest.approx(0.5 + 1 + 2, abs=0.1)
        assert asyncio.get_running_loop().time() == pytest.approx(8, abs=0.1)
        assert heard[-1].played.any()

    run_virtual(main())


def test_attempts_are_further_and_further_apart() -> None:
    async def main() -> None:
        shelf = Shelf(DeviceBusyError("the card", "in use"))
        await listen(SupervisedDevice(shelf, "card", 16_000), 60)
        waits = np.diff(shelf.asked_at)
        assert waits[:6] == pytest.approx([0.5, 1, 2, 4, 8, 10], abs=0.05)
        assert waits[6:] == pytest.approx(10, abs=0.05)

    run_virtual(main())


def test_reasons_that_take_turns_are_told_once_each(caplog: pytest.LogCaptureFixture) -> None:
    missing, busy = DeviceMissingError("microphone 'usb'", ["0: hdmi"]), DeviceBusyError("the card", "in use")
    shelf = Shelf(missing, busy, missing, busy, missing, busy)
    run_virtual(listen(SupervisedDevice(shelf, "kitchen card", 16_000), 30))
    assert len(shelf.asked_at) > 4
    assert len(caplog.messages) == 2


def test_a_device_that_says_something_else_each_time_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf(*(DeviceLostError("the card", f"it is {hour} o'clock") for hour in range(24)))
    run_virtual(listen(SupervisedDevice(shelf, "kitchen card", 16_000), 120))
    assert len(shelf.asked_at) > 10
    assert len(caplog.messages) == 5


def test_each_failure_and_the_recovery_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        told: list[DeviceHealth] = []
        missing = DeviceMissingError("microphone 'usb'", ["0: hdmi"])
        shelf = Shelf(missing, missing, missing, missing, SimulatedDevice())
        device = SupervisedDevice(shelf, "kitchen card", 16_000, lambda health, _: told.append(health))
        await listen(device, 12)
        assert told == [DeviceHealth.FAILED, DeviceHealth.WORKING]

    with caplog.at_level(logging.INFO, "interject.satellite"):
        run_virtual(main())
    failed, recovered = caplog.messages
    assert failed.startswith("kitchen card: there is no microphone 'usb'; available: 0: hdmi")
    assert "trying again" in failed
    assert recovered == "kitchen card works again"


def test_a_device_that_fails_at_once_each_time_is_not_tried_twice_a_second() -> None:
    async def main() -> None:
        shelf = Shelf(*(Failing(0.1) for _ in range(50)))
        await listen(SupervisedDevice(shelf, "card", 16_000), 40)
        assert len(shelf.asked_at) <= 9

    run_virtual(main())


def test_the_native_rate_is_kept_when_another_device_comes_back() -> None:
    async def main() -> None:
        shelf = Shelf(SimulatedDevice(), Failing(1.0), SimulatedDevice(ScriptedRoom(rate_hz=44_100)))
        device = await supervise(shelf, "card")
        assert device.rate_hz == 16_000
        heard = await listen(device, 4)
        frames = heard[-1].frame + len(heard[-1].mic)
        assert frames / 16_000 == pytest.approx(asyncio.get_running_loop().time(), abs=0.1)
        assert heard[-1].played.any()
        assert device.rate_hz == 16_000

    run_virtual(main())


def test_without_any_device_there_is_a_rate_to_work_with() -> None:
    async def main() -> None:
        device = await supervise(Shelf(DeviceMissingError("default microphone", [])), "card")
        assert device.rate_hz == USUAL_RATE_HZ

    run_virtual(main())
