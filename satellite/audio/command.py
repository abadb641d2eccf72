"""A microphone and a loudspeaker that are programs: raw PCM from one's output, to the other's input."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.satellite.audio.base import Block, DeviceFormatError, DeviceLostError, DeviceStalledError, render_exactly
from interject.satellite.audio.pcm import WIDTHS, decode, encode, mix_down, to_int16
from interject.satellite.audio.process import Program, SmallPipe

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from interject.satellite.audio.base import Render, Samples

# arecord and aplay start within this, also on a slow machine whose card sleeps; a microphone that gives nothing for
# longer is stuck.
STALLED_AFTER_S = 3.0
# aplay keeps its buffer full and makes it half a second long unless --buffer-time says otherwise (aplay(1)).
APLAY_BUFFER_MS = 500.0
# Enough for aplay, which reads a quarter of its buffer at a time, and little enough that a flush is soon heard.
PIPE_S = 0.125
# Without a microphone the loop's clock paces the loudspeaker in periods like those of a sound card.
PACED_BLOCK_MS = 20


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """Raw audio: rate, bytes a sample (1: unsigned, 2 to 4: signed little-endian), interleaved channels."""

    rate_hz: int
    width: int = 2
    channels: int = 1

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample in every channel."""
        return self.width * self.channels


@dataclass(frozen=True, slots=True)
class MicCommand:
    """A program that writes what it records to its standard output.

    channel: the one to use of several; None averages them.
    """

    command: str
    pcm: PcmFormat = PcmFormat(16_000)
    samples_per_chunk: int = 1024
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class SndCommand:
    """A program that plays what it reads from its standard input.

    buffer_ms: how much audio the program holds between reading it and its leaving the loudspeaker.
    """

    command: str
    pcm: PcmFormat = PcmFormat(22_050)
    buffer_ms: float = APLAY_BUFFER_MS


class CommandDevice:
    """A Device made of one or two programs; the microphone's chunks are its clock and give its rate.

    Without a microphone program the microphone is silent and the loop's clock paces; without a loudspeaker program
    what is rendered is heard by nobody. Raises DeviceFormatError for formats that cannot be.
    """

    def __init__(self, mic: MicCommand | None, snd: SndCommand | None) -> None:
        self._mic = mic
        self._snd = snd
        for flag, side in (("--mic-command", mic), ("--snd-command", snd)):
            if side is not None:
                _check(flag, side.pcm)
        if mic is not None and mic.channel is not None and not 0 <= mic.channel < mic.pcm.channels:
            raise DeviceFormatError(
                "--mic-command", f"channel {mic.channel} is wanted of {mic.pcm.channels}; the first is 0"
            )
        if mic is not None and mic.samples_per_chunk < 1:
            raise DeviceFormatError("--mic-command", f"{mic.samples_per_chunk} samples per chunk; at least 1")
        self._speaker: _Speaker | None = None

    @property
    def name(self) -> str:
        """What logs and errors call it."""
        commands = [side.command for side in (self._mic, self._snd) if side is not None]
        return f"command device ({', '.join(commands) or 'no command'})"

    @property
    def rate_hz(self) -> int:
        """The microphone's rate; the loudspeaker's when there is no microphone."""
        if self._mic is not None:
            return self._mic.pcm.rate_hz
        return 16_000 if self._snd is None else self._snd.pcm.rate_hz

    @property
    def output_latency_frames(self) -> int:
        """What waits for the loudspeaker program now, and what the program itself is said to hold."""
        return 0 if self._speaker is None else round(self._speaker.latency_s * self.rate_hz)

    async def blocks(self, render: Render) -> AsyncGenerator[Block, None]:
        """Run the programs and yield a block for each chunk of the microphone.

        Raises DeviceSetupError when a program cannot be started, DeviceLostError when one ends, DeviceStalledError
        when the microphone's gives nothing.
        """
        async with AsyncExitStack() as stack:
            if self._snd is not None:
                self._speaker = await _Speaker.start(self._snd, self.rate_hz, stack)
                stack.callback(self._forget_speaker)
            chunks = await stack.enter_async_context(aclosing(await self._captured(stack)))
            frame = 0
            async for mic in chunks:
                try:
                    played = self._play(render, len(mic))
                except BrokenPipeError:
                    raise await self._loudspeaker_lost() from None
                yield Block(mic, played, frame)
                frame += len(mic)

    def _play(self, render: Render, frames: int) -> Samples:
        if self._speaker is None:
            render_exactly(render, frames)
            return np.zeros(frames, np.int16)
        if not self._speaker.has_room:
            # The loudspeaker's clock is the slower one, or the program hangs: it plays what it has, and nothing that
            # was rendered is lost.
            self._speaker.wait(frames / self.rate_hz)
            return np.zeros(frames, np.int16)
        played = render_exactly(render, frames)
        self._speaker.play(played)
        return played

    async def _captured(self, stack: AsyncExitStack) -> AsyncGenerator[Samples, None]:
        if self._mic is None:
            return self._silence()
        return self._chunks(self._mic, await Program.start(self._mic.command, "--mic-command", stack))

    async def _chunks(self, mic: MicCommand, program: Program) -> AsyncGenerator[Samples, None]:
        size = mic.samples_per_chunk * mic.pcm.frame_bytes
        # A chunk may be long by wish.
        patience_s = STALLED_AFTER_S + mic.samples_per_chunk / mic.pcm.rate_hz
        while True:
            try:
                async with asyncio.timeout(patience_s):
                    data = await program.output.readexactly(size)
            except TimeoutError:
                raise DeviceStalledError(program.name, patience_s) from None
            except asyncio.IncompleteReadError:
                raise DeviceLostError(program.name, await program.last_words()) from None
            frames = decode(data, mic.pcm.width, mic.pcm.channels)
            yield to_int16(mix_down(frames) if mic.channel is None else frames[:, mic.channel])

    async def _silence(self) -> AsyncGenerator[Samples, None]:
        loop = asyncio.get_running_loop()
        frames = self.rate_hz * PACED_BLOCK_MS // 1000
        due_s = loop.time()
        while True:
            due_s += frames / self.rate_hz
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            yield np.zeros(frames, np.int16)

    async def _loudspeaker_lost(self) -> DeviceLostError:
        if self._speaker is None:
            return DeviceLostError(self.name, "the loudspeaker's pipe broke")
        program = self._speaker.program
        return DeviceLostError(program.name, await program.last_words())

    def _forget_speaker(self) -> None:
        self._speaker = None


class _Speaker:
    """The loudspeaker's program, behind a small pipe."""

    def __init__(self, settings: SndCommand, rate_hz: int, program: Program, pipe: SmallPipe) -> None:
        self._settings = settings
        self.program = program
        self._waited_s = 0.0
        self._pipe = pipe
        pcm = settings.pcm
        self._stream = None if rate_hz == pcm.rate_hz else soxr.ResampleStream(rate_hz, pcm.rate_hz, 1, dtype="int16")

    @classmethod
    async def start(cls, settings: SndCommand, rate_hz: int, stack: AsyncExitStack) -> _Speaker:
        pcm = settings.pcm
        pipe = stack.enter_context(SmallPipe.open(round(PIPE_S * pcm.rate_hz) * pcm.frame_bytes))
        program = await Program.start(settings.command, "--snd-command", stack, standard_input=pipe.reader)
        pipe.close_reader()
        return cls(settings, rate_hz, program, pipe)

    @property
    def latency_s(self) -> float:
        pcm = self._settings.pcm
        converter_s = 0.0 if self._stream is None else self._stream.delay() / pcm.rate_hz
        waiting_s = self._pipe.waiting_bytes() / pcm.frame_bytes / pcm.rate_hz
        return float(converter_s + waiting_s + self._settings.buffer_ms / 1000)

    @property
    def has_room(self) -> bool:
        return self._pipe.has_room

    def wait(self, seconds: float) -> None:
        """Count the time for which there was no room; DeviceStalledError when it is too long."""
        self._waited_s += seconds
        if self._waited_s > STALLED_AFTER_S:
            raise DeviceStalledError(self.program.name, STALLED_AFTER_S)

    def play(self, samples: Samples) -> None:
        self._waited_s = 0.0
        converted = samples if self._stream is None else self._stream.resample_chunk(samples)
        self._pipe.write(encode(converted, self._settings.pcm.width, self._settings.pcm.channels))


def _check(flag: str, pcm: PcmFormat) -> None:
    if pcm.rate_hz < 1 or pcm.width not in WIDTHS or pcm.channels < 1:
        raise DeviceFormatError(
            flag, f"{pcm.rate_hz} Hz, {pcm.width} bytes, {pcm.channels} channels; the width must be 1, 2, 3 or 4"
        )
