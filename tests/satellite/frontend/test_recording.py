"""What STT gets is found again in WAV files, and a disk that fails costs the recording alone."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.wav import read_wav
from interject.satellite.transports.recorded import Recorder
from tools.testing.patience import expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from interject.satellite.audio.base import Samples

RATE_HZ = 16_000
LOGGER = "interject.satellite.transports.recorded"


@asynccontextmanager
async def recording(recorder: Recorder) -> AsyncIterator[None]:
    task = asyncio.create_task(recorder.run())
    try:
        yield
        async with expecting("the recorder to write all that it was given"):
            await recorder.written()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def speech(start: int, count: int = 320) -> Samples:
    return np.arange(start, start + count).astype(np.int16)


async def recorded(folder: Path, stream: int) -> Samples:
    return await asyncio.to_thread(read_recording, folder, stream)


def read_recording(folder: Path, stream: int) -> Samples:
    (path,) = folder.glob(f"*-stt-{stream}.wav")
    return read_wav(path, RATE_HZ)


async def test_each_stream_is_a_file_with_all_that_was_sent(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "new" / "folder")
    async with recording(recorder):
        for start in range(0, 16_000, 320):
            recorder.write(1, speech(start).tobytes())
            recorder.write(2, speech(-start - 320).tobytes())
        recorder.close(1)
        recorder.close(7)
    folder = tmp_path / "new" / "folder"
    assert np.array_equal(await recorded(folder, 1), speech(0, 16_000))
    # Never closed: it is whole when the satellite has stopped.
    assert len(await recorded(folder, 2)) == 16_000
    assert len(list(folder.iterdir())) == 2


async def test_what_was_sent_before_it_runs_is_not_lost(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.write(1, speech(0).tobytes())
    async with recording(recorder):
        recorder.write(1, speech(320).tobytes())
    assert np.array_equal(await recorded(tmp_path, 1), speech(0, 640))


async def test_streams_that_nobody_closes_are_closed_for_later_ones(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    async with recording(recorder):
        for stream in range(100):
            recorder.write(stream, speech(stream).tobytes())
    for stream in range(100):
        assert np.array_equal(await recorded(tmp_path, stream), speech(stream))


async def test_a_folder_that_cannot_be_written_is_told_once_and_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "taken"
    folder.write_text("a file is in the way")
    recorder = Recorder(folder)
    with caplog.at_level(logging.WARNING, LOGGER):
        async with recording(recorder):
            for stream in range(3):
                recorder.write(stream, speech(0).tobytes())
                recorder.write(stream, speech(320).tobytes())
                recorder.close(stream)
            await recorder.written()
            folder.unlink()
            recorder.write(3, speech(0).tobytes())
    first, again = [record.getMessage() for record in caplog.records]
    assert "--debug-recording-dir" in first
    assert str(folder) in first
    assert "again" in again
    assert np.array_equal(await recorded(folder, 3), speech(0))


async def test_a_disk_that_takes_nothing_costs_bounded_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(tmp_path)
    with caplog.at_level(logging.WARNING, LOGGER):
        for _ in range(10_000):
            recorder.write(1, speech(0).tobytes())
    assert [record.getMessage() for record in caplog.records] == [
        f"audio is missing from the recordings of --debug-recording-dir: {tmp_path} is too slow, so there are gaps"
    ]
    async with recording(recorder):
        pass
    assert len(await recorded(tmp_path, 1)) == 3_000 * 320
