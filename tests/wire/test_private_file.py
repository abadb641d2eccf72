"""What holds what was said is its owner's alone, whatever the umask."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.wav import WavRecorder
from interject.satellite.doctor.recording import Archive, Recording
from interject.satellite.doctor.signals import Part, Programme
from interject.satellite.records.conversation import StreamingStarted
from interject.wire.private_file import make_private_file
from interject.wire.trace import FileTrace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_trace_is_private(tmp_path: Path) -> None:
    FileTrace(tmp_path / "trace.jsonl", "stt").close()
    assert mode(tmp_path / "trace.jsonl") == 0o600


def test_a_trace_that_others_could_read_is_made_private_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text("before\n")
    path.chmod(0o644)
    trace = FileTrace(path, "stt")
    trace.emit(StreamingStarted())
    trace.close()
    assert mode(path) == 0o600
    assert path.read_text().startswith("before\n{")


def test_what_speech_to_text_got_is_private_and_so_is_its_new_folder(tmp_path: Path) -> None:
    async def record() -> None:
        with ThreadPoolExecutor(1) as thread:
            recorder = WavRecorder(tmp_path / "new" / "a.wav", 16_000, 1, thread)
            await recorder.open()
            await recorder.add(np.zeros(320, np.int16))
            await recorder.close()

    asyncio.run(record())
    assert mode(tmp_path / "new") == 0o700
    assert mode(tmp_path / "new" / "a.wav") == 0o600


def test_the_recordings_of_a_check_up_are_private(tmp_path: Path) -> None:
    sound = np.zeros(4000, np.int16)
    programme = Programme(8000, sound, *(Part(name, 0, sound) for name in ("sweep", "quiet", "speech", "again")))
    Archive(tmp_path / "new").add(programme, Recording(8000, sound, sound))
    assert mode(tmp_path / "new") == 0o700
    kept = [path for path in (tmp_path / "new").iterdir() if path.name != "manifest.json"]
    assert len(kept) == 3
    assert {mode(path) for path in kept} == {0o600}


def test_a_folder_that_was_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Archive(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_pipe_to_another_program_is_left_alone(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o644)
    make_private_file(pipe)
    assert mode(pipe) == 0o644
