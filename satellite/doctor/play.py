"""Plays the check-up's programme on the satellite's own device, and records what it hears."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.app.device import sound_device
from interject.satellite.audio.base import Block, Samples, running
from interject.satellite.audio.supervised import DeviceHealth
from interject.satellite.doctor.recording import NotMeasuredError, Recording
from interject.satellite.doctor.signals import make_programme
from interject.satellite.records.device import DeviceReported

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.satellite.audio.base import Device
    from interject.satellite.doctor.signals import Programme
    from interject.satellite.settings import SatelliteSettings
    from interject.wire.trace import Record

# A sound server that was just started, and a Bluetooth loudspeaker that wakes up, together need less.
_PATIENCE_S = 15.0
_CHECK_DEVICES = "check --mic-device and --snd-device; --list-devices prints what there is"
_CHECK_COMMANDS = "check --mic-command and --snd-command"


async def play(settings: SatelliteSettings, tell: Callable[[str], None]) -> tuple[Programme, Recording]:
    """Play the programme and record; `tell` gets a line for each step.

    Raises NotMeasuredError where the device fails or gives nothing, DeviceError for settings no device can follow.
    """
    by_command = settings.mic_command or settings.snd_command
    remedy = _CHECK_COMMANDS if by_command else _CHECK_DEVICES
    health = _Health(remedy)
    async with sound_device(settings, health) as device:
        programme = await asyncio.to_thread(make_programme, device.rate_hz, settings.snd_volume_multiplier)
        seconds = len(programme.samples) / programme.rate_hz
        tell(f"The check-up takes {seconds:.0f} s. Please keep quiet.")
        try:
            async with asyncio.timeout(seconds + _PATIENCE_S):
                return programme, await _record(device, programme, health, tell)
        except TimeoutError:
            late = f"{device.name} did not play {seconds:.0f} s of sound within {seconds + _PATIENCE_S:.0f} s"
            raise NotMeasuredError(late, remedy) from None


class _Health:
    """The trace of a device that remembers only that it failed."""

    def __init__(self, remedy: str) -> None:
        self._remedy = remedy
        self._failure: str | None = None

    def emit(self, record: Record, _t: float | None = None, /) -> None:
        if isinstance(record, DeviceReported) and record.health == DeviceHealth.FAILED.value:
            self._failure = record.text

    def check(self) -> None:
        """Raise NotMeasuredError if the device has failed."""
        if self._failure is not None:
            raise NotMeasuredError(self._failure, self._remedy)


class _Performance:
    """Hands the programme to the device, piece by piece, and silence after it."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self.position = 0

    def render(self, frames: int) -> Samples:
        piece = self._samples[self.position : self.position + frames]
        self.position += frames
        return piece if len(piece) == frames else np.concatenate((piece, np.zeros(frames - len(piece), np.int16)))


async def _record(device: Device, programme: Programme, health: _Health, tell: Callable[[str], None]) -> Recording:
    performance = _Performance(programme.samples)
    waiting = list(programme.parts)
    kept: list[Block] = []
    recorded = 0
    async with running(device, performance.render) as blocks:
        async for block in blocks:
            health.check()
            # A device that is still being opened is silent, and asks for nothing.
            if not performance.position:
                continue
            kept.append(block)
            recorded += len(block.mic)
            while waiting and performance.position > waiting[0].start:
                tell(f"{waiting.pop(0).name} …")
            if recorded >= len(programme.samples):
                break
    return _joined(kept, programme.rate_hz)


def _joined(blocks: list[Block], rate_hz: int) -> Recording:
    lost = [after.frame - before.frame - len(before.mic) for before, after in pairwise(blocks)]
    return Recording(
        rate_hz=rate_hz,
        mic=np.concatenate([block.mic for block in blocks]),
        played=np.concatenate([block.played for block in blocks]),
        gaps=sum(frames > 0 for frames in lost),
        lost_frames=sum(frames for frames in lost if frames > 0),
    )
