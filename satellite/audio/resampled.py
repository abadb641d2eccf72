"""A device seen at another rate than its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.satellite.audio.base import Block, render_exactly, running

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from interject.satellite.audio.base import Device, Render, Samples

# Many times the longest filter of the resampler: its lumps have shown all their sizes.
TRIAL_S = 1.0


class ResampledDevice:
    """Runs `device` at its own rate and shows it at `rate_hz`; its blocks vary a little in length."""

    def __init__(self, device: Device, rate_hz: int) -> None:
        self._device = device
        self._rate_hz = rate_hz
        self._own_delay_frames = 0

    @property
    def name(self) -> str:
        """What logs and errors call it."""
        return self._device.name

    @property
    def rate_hz(self) -> int:
        """Sample rate of both directions, as shown."""
        return self._rate_hz

    @property
    def output_latency_frames(self) -> int:
        """The device's own latency and that of the conversion."""
        latency_frames = self._device.output_latency_frames + self._own_delay_frames
        return round(latency_frames * self._rate_hz / self._device.rate_hz)

    async def blocks(self, render: Render) -> AsyncGenerator[Block, None]:
        """Yield the device's blocks at the shown rate; raises what the device raises."""
        ratio = self._rate_hz / self._device.rate_hz
        # Two channels of one stream: the microphone and its reference stay aligned to the sample.
        capture = soxr.ResampleStream(self._device.rate_hz, self._rate_hz, 2, dtype="int16")
        playback = _Playback(render, self._rate_hz, self._device.rate_hz)
        frame = 0
        expected: int | None = None
        async with running(self._device, playback.next) as blocks:
            async for block in blocks:
                if expected is not None and block.frame > expected:
                    frame += round((block.frame - expected) * ratio)
                expected = block.frame + len(block.mic)
                self._own_delay_frames = playback.delay_frames
                both = capture.resample_chunk(np.stack((block.mic, block.played), axis=1))
                if len(both):
                    yield Block(both[:, 0].copy(), both[:, 1].copy(), frame)
                    frame += len(both)


class _Playback:
    """Answers the device's requests with what `render` gives at another rate; called from the audio thread."""

    def __init__(self, render: Render, from_hz: int, to_hz: int) -> None:
        self._render = render
        self._rates_hz = from_hz, to_hz
        self._converter = _Converter(from_hz, to_hz)
        self._ready: Samples = np.zeros(0, np.int16)
        self._started = False
        self._delay_frames = 0

    @property
    def delay_frames(self) -> int:
        """Frames at the device's rate between render() and the device, by the conversion."""
        return self._delay_frames

    def next(self, frames: int) -> Samples:
        """Give exactly `frames` samples at the device's rate."""
        if not self._started:
            self._started = True
            self._hold_back(hold_back(*self._rates_hz, frames))
        converted = self._converter.convert(self._render, frames)
        self._ready = np.concatenate((self._ready, converted))
        # A device that changes the size of its periods may still find too little once: a longer delay from then on.
        self._hold_back(frames - len(self._ready))
        taken, self._ready = self._ready[:frames], self._ready[frames:]
        return taken

    def _hold_back(self, frames: int) -> None:
        if frames > 0:
            self._ready = np.concatenate((np.zeros(frames, np.int16), self._ready))
            self._delay_frames += frames


class _Converter:
    """A resampler that asks its source for what each request is worth."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._ratio = from_hz / to_hz
        self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16")
        self._requested = 0
        self._rendered = 0

    def convert(self, render: Render, frames: int) -> Samples:
        """Take what `frames` at the target rate are worth; give what the resampler gives, sooner or later as many."""
        self._requested += frames
        missing = round(self._requested * self._ratio) - self._rendered
        self._rendered += missing
        converted: Samples = self._stream.resample_chunk(render_exactly(render, missing))
        return converted


def hold_back(from_hz: int, to_hz: int, frames: int) -> int:
    """Give how many frames must wait so that requests of `frames` never find too few: the resampler gives in lumps."""
    trial = _Converter(from_hz, to_hz)
    given = taken = most_missing = 0
    while taken < TRIAL_S * to_hz:
        given += len(trial.convert(_silence, frames))
        taken += frames
        most_missing = max(most_missing, taken - given)
    return most_missing


def _silence(frames: int) -> Samples:
    return np.zeros(frames, np.int16)
