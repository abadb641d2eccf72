"""What every microphone-and-loudspeaker pair looks like to the rest of the satellite."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
