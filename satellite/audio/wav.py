"""WAV files in and out: any file as mono samples at a wanted rate; a file that is valid while it still grows."""

from __future__ import annotations

import asyncio
import wave
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.satellite.audio.pcm import decode, mix_down, to_int16
from interject.wire.private_file import make_private_file, make_private_folder

if TYPE_CHECKING:
    from pathlib import Path

    from interject.satellite.audio.base import Samples

# What is lost of a recording when the process is killed, and how many bytes a recording holds in memory at most:
# one chunk that fills and one that is being written.
FLUSH_EVERY_S = 0.5


def read_wav(path: Path, rate_hz: int) -> Samples:
    """Read a PCM WAV file of any rate, width and number of channels as mono samples at `rate_hz`.

    Raises OSError, EOFError or wave.Error when it cannot be read.
    """
    with wave.open(str(path), "rb") as file:
        frames = decode(file.readframes(file.getnframes()), file.getsampwidth(), file.getnchannels())
        file_rate_hz = file.getframerate()
    return to_int16(soxr.resample(mix_down(frames), file_rate_hz, rate_hz))


class WavRecorder:
    """Writes one private WAV file in its own thread; the file's header is right after every flush."""

    def __init__(self, path: Path, rate_hz: int, channels: int, executor: Executor) -> None:
        self._path = path
        self._rate_hz = rate_hz
        self._channels = channels
        self._executor = executor
        self._file: wave.Wave_write | None = None
        self._pending: list[Samples] = []
        self._pending_frames = 0

    async def open(self) -> None:
        """Create the file; OSError when that fails."""
        self._file = await asyncio.get_running_loop().run_in_executor(self._executor, self._create)

    async def add(self, *channels: Samples) -> None:
        """Take one array a channel, all of one length."""
        self._pending.append(np.stack(channels, axis=1))
        self._pending_frames += len(channels[0])
        if self._pending_frames >= FLUSH_EVERY_S * self._rate_hz:
            await self._flush()

    async def close(self) -> None:
        """Write what is pending and close the file."""
        if self._file is None:
            return
        try:
            await self._flush()
        finally:
            file, self._file = self._file, None
            await asyncio.get_running_loop().run_in_executor(self._executor, file.close)

    async def _flush(self) -> None:
        if self._file is None or not self._pending:
            return
        data = np.concatenate(self._pending).tobytes()
        self._pending.clear()
        self._pending_frames = 0
        await asyncio.get_running_loop().run_in_executor(self._executor, self._file.writeframes, data)

    def _create(self) -> wave.Wave_write:
        make_private_folder(self._path.parent)
        make_private_file(self._path)
        file = wave.Wave_write(str(self._path))
        file.setnchannels(self._channels)
        file.setsampwidth(2)
        file.setframerate(self._rate_hz)
        file.writeframes(b"")
        return file


def writer_thread() -> ThreadPoolExecutor:
    """Give the one thread in which recordings of a device are written, so that no other work delays them."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="recording")
