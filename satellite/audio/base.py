"""The seam of sound devices: what a device gives and takes, and what can go wrong with one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


# Mono, 1-D.
Samples = NDArray[np.int16]

# (frames) -> exactly that many samples at the device's rate, to play next.
# Thread-safe and never blocks: it may be called from an audio thread.
Render = Callable[[int], Samples]


@dataclass(frozen=True, slots=True)
class Block:
    """One period of duplex audio.

    mic: what the microphone captured in this period.
    played: what was handed to the loudspeaker in the same period, after all software gain.
    frame: the device's sample counter at the start of this block (monotonic, gapless in one stream; includes the
        frames that were lost in an overflow).
    """

    mic: Samples
    played: Samples
    frame: int


class Device(Protocol):
    """A microphone and a loudspeaker that share one sample clock."""

    @property
    def name(self) -> str:
        """What logs and errors call it."""

    @property
    def rate_hz(self) -> int:
        """Sample rate of both directions."""

    @property
    def output_latency_frames(self) -> int:
        """Frames between render() handing a sample over and it leaving the loudspeaker; measured, may change."""

    def blocks(self, render: Render) -> AsyncIterator[Block]:
        """Open, then yield each period; closing the iterator closes the device.

        Raises a DeviceError when opening or running fails.
        """


@asynccontextmanager
async def running(device: Device, render: Render) -> AsyncIterator[AsyncIterator[Block]]:
    """Give the device's blocks, and close the device on the way out however that is."""
    blocks = device.blocks(render)
    try:
        yield blocks
    finally:
        if isinstance(blocks, AsyncGenerator):
            await blocks.aclose()


def render_exactly(render: Render, frames: int) -> Samples:
    """Ask for `frames` samples; ValueError when the renderer does not keep its promise."""
    samples = render(frames)
    if samples.dtype != np.int16 or samples.shape != (frames,):
        raise ValueError(f"render({frames}) gave {samples.dtype} samples of shape {samples.shape}")
    return samples


class DeviceError(InterjectError):
    """A device could not be opened, or stopped working."""


class DeviceMissingError(DeviceError):
    """There is no such device; `available` names what there is."""

    def __init__(self, name: str, available: Sequence[str]) -> None:
        there_is = ", ".join(available) if available else "no sound device at all"
        super().__init__(f"there is no {name}; available: {there_is}")
        self.name = name
        self.available = tuple(available)


class DeviceBusyError(DeviceError):
    """The device exists and something else holds it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} cannot be opened, probably because another program holds it: {reason}")
        self.name = name
        self.reason = reason


class DeviceStalledError(DeviceError):
    """The device is open and its audio does not move."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"{name} stalled: no audio moved for {seconds:g} s")
        self.name = name
        self.seconds = seconds


class DeviceLostError(DeviceError):
    """The device worked and went away."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} went away: {reason}")
        self.name = name
        self.reason = reason


class DeviceFormatError(DeviceError):
    """The device cannot run with the rate, width or channels that are asked of it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class DeviceSetupError(DeviceError):
    """This machine, or this installation, lacks something that the device needs."""

    def __init__(self, name: str, reason: str, remedy: str) -> None:
        super().__init__(f"{name} cannot be used: {reason}; {remedy}")
        self.name = name
        self.reason = reason
        self.remedy = remedy


class RoomScriptError(DeviceError):
    """A script for the simulated room, or one of its clips, cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
