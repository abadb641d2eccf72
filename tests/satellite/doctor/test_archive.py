"""What `interject-satellite doctor --record` keeps."""

from __future__ import annotations

import json
import wave
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.doctor.recording import Archive, NotRecordedError, Recording
from interject.satellite.doctor.signals import Part, Programme

if TYPE_CHECKING:
    from pathlib import Path

    from interject.satellite.audio.base import Samples

RATE_HZ = 44_100
AT = datetime(2026, 11, 29, 12, 30, 15, tzinfo=UTC)
NAME = "fe-2026-11-29-123015"


def read(path: Path) -> Samples:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE_HZ)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def check_up() -> tuple[Programme, Recording]:
    generator = np.random.default_rng(1)
    mic, played = generator.integers(-32768, 32768, (2, RATE_HZ)).astype(np.int16)
    parts = [Part(name, at, played[at : at + 100]) for at, name in enumerate(("sweep", "quiet", "speech", "again"))]
    return Programme(RATE_HZ, played, *parts), Recording(RATE_HZ, mic, played, gaps=2, lost_frames=882)


def test_the_pair_is_kept_sample_for_sample_at_the_rate_of_the_device(tmp_path: Path) -> None:
    programme, recording = check_up()

    Archive(tmp_path / "new", lambda: AT).add(programme, recording)

    assert np.array_equal(read(tmp_path / "new" / f"{NAME}_mic.wav"), recording.mic)
    assert np.array_equal(read(tmp_path / "new" / f"{NAME}_lpb.wav"), recording.played)
    entries = json.loads((tmp_path / "new" / "manifest.json").read_text(encoding="utf-8"))
    assert entries == [{"id": NAME, "kind": "far-end", "rate_hz": RATE_HZ, "seconds": 1.0}]


def test_its_text_warns_first_and_ends_with_the_report(tmp_path: Path) -> None:
    archive = Archive(tmp_path, lambda: AT)

    text = archive.add(*check_up())
    archive.conclude(text, "Verdict: speech\n")

    said = text.read_text(encoding="utf-8")
    assert said.startswith("THIS IS A RECORDING OF A ROOM")
    assert "before you give it to anybody" in said
    assert "2 times, 882 frames" in said
    assert said.endswith("Verdict: speech\n")


def test_what_was_kept_before_stays(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('[{"id": "dt-1", "kind": "double-talk", "user_speech_s": [[1, 2]]}]')

    for _ in range(2):
        Archive(tmp_path, lambda: AT).add(*check_up())

    entries = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert [entry["id"] for entry in entries] == ["dt-1", NAME, f"{NAME}-2"]
    assert entries[0]["user_speech_s"] == [[1, 2]]
    assert len(list(tmp_path.glob("fe-*_mic.wav"))) == 2


@pytest.mark.parametrize("manifest", ["no JSON", "{}", '["fe-1"]'])
def test_a_manifest_of_something_else_is_not_overwritten(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)

    with pytest.raises(NotRecordedError, match="--record"):
        Archive(tmp_path)

    assert (tmp_path / "manifest.json").read_text() == manifest


def test_a_folder_that_cannot_be_made_is_told_before_anything_sounds(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(NotRecordedError, match="--record"):
        Archive(tmp_path / "file" / "folder")
