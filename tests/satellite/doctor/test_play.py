"""The check-up on devices that behave as devices do."""

from __future__ import annotations

import asyncio
import shlex
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.base import Block
from interject.satellite.doctor import play as play_module
from interject.satellite.doctor.play import play
from interject.satellite.doctor.recording import NotMeasuredError
from interject.satellite.settings import SatelliteSettings
from tools.testing.patience import expecting
from tools.testing.virtual_clock import elapse, run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from interject.satellite.audio.base import Device, Render

RATE_HZ = 16_000
FRAMES = 320


class Scripted:
    """A device that hears what it plays, half as loud; loses `lost` frames after every 5 s, or never gives a block."""

    name = "the scripted device"
    rate_hz = RATE_HZ
    output_latency_frames = 0

    def __init__(self, *, lost: int = 0, stuck: bool = False) -> None:
        self._lost = lost
        self._stuck = stuck
        self.closed = False

    async def blocks(self, render: Render) -> AsyncGenerator[Block, None]:
        frame = 0
        try:
            while True:
                await elapse(FRAMES / RATE_HZ)
                if self._stuck:
                    continue
                played = render(FRAMES)
                yield Block(played // 2, played, frame)
                frame += FRAMES
                if frame // FRAMES % 250 == 0:
                    frame += self._lost
        finally:
            self.closed = True


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Scripted:
    made = Scripted(**request.param)

    @asynccontextmanager
    async def instead(*_: object) -> AsyncIterator[Device]:
        yield made

    monkeypatch.setattr(play_module, "sound_device", instead)
    return made


@pytest.mark.parametrize("device", [{"lost": 160}], indirect=True)
def test_frames_that_the_device_lost_are_counted(device: Scripted) -> None:
    _, recording = run_virtual(play(SatelliteSettings(), lambda _: None))
    assert recording.gaps == 3
    assert recording.lost_frames == 480
    assert np.array_equal(recording.mic, recording.played // 2)
    assert device.closed


@pytest.mark.parametrize("device", [{"stuck": True}], indirect=True)
def test_a_device_that_gives_nothing_is_told_by_its_name(device: Scripted) -> None:
    with pytest.raises(NotMeasuredError, match=r"the scripted device did not play .*--mic-device"):
        run_virtual(play(SatelliteSettings(), lambda _: None))
    assert device.closed


@pytest.mark.parametrize("device", [{}], indirect=True)
def test_whoever_stops_it_stops_the_sound(device: Scripted) -> None:
    async def main() -> None:
        speaking = asyncio.Event()
        task = asyncio.create_task(
            play(SatelliteSettings(), lambda step: speaking.set() if step.startswith("Speaking") else None)
        )
        async with expecting("the check-up to begin to speak"):
            await speaking.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    run_virtual(main())
    assert device.closed


async def test_a_device_that_fails_is_told_at_once() -> None:
    settings = SatelliteSettings(mic_command=shlex.join([sys.executable, "-c", "raise SystemExit('no microphone')"]))
    async with expecting("the check-up to tell that the microphone failed"):
        with pytest.raises(NotMeasuredError, match=r"no microphone.*check --mic-command"):
            await play(settings, lambda _: None)
