"""script/bench real, on pairs from a loudspeaker that distorts, with a device that runs at 48 kHz."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soxr

from interject.satellite.audio.pcm import to_int16
from tests.rooms import skip_without_rooms
from tests.satellite.aec.acoustics import THEIRS, room, talk, through
from tests.satellite.frontend.speech import RATE_HZ, clip, to_float, white_noise
from tools.bench.real.__main__ import main
from tools.bench.real.recordings import write_wav
from tools.bench.real.words import Ear, Transcript, word_figures
from tools.simulator.loudspeaker import Loudspeaker

if TYPE_CHECKING:
    from pathlib import Path

    from interject.satellite.audio.base import Samples
    from tests.satellite.aec.acoustics import Signal

SECONDS = 9.0
USER_S = (6.0, 7.2)
DEVICE_HZ = 48_000


def at_device(signal: Signal) -> Samples:
    return to_int16(np.asarray(soxr.resample(signal, RATE_HZ, DEVICE_HZ), np.float32))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a pair in which nobody speaks but the loudspeaker, and one in which a user does, 6 dB below its echo."""
    folder = tmp_path_factory.mktemp("recordings")
    played = talk(SECONDS)
    speaker = Loudspeaker(knee=0.3, asymmetry=0.1)
    echo = through(room(70), through(speaker.response(), speaker.saturated(played))) * np.float32(0.3)
    quiet = echo + white_noise(len(echo), -65)
    said = talk(USER_S[1] - USER_S[0], THEIRS, level_dbfs=-36.0)
    talking = quiet.copy()
    talking[round(USER_S[0] * RATE_HZ) :][: len(said)] += said
    for name, mic in (("alone", quiet), ("both", talking)):
        write_wav(folder / f"{name}_mic.wav", at_device(mic), DEVICE_HZ)
        write_wav(folder / f"{name}_lpb.wav", at_device(played), DEVICE_HZ)
    entries = [
        {"id": "alone", "kind": "far-end"},
        {"id": "both", "kind": "double-talk-moving", "user_speech_s": [USER_S]},
    ]
    (folder / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    folder = tmp_path / "speech"
    folder.mkdir()
    words = to_float(clip("what_time_is_it"))
    write_wav(folder / "ask.wav", to_int16(np.concatenate([np.zeros(8_000, np.float32), words])), RATE_HZ)
    entry = {"file": "ask.wav", "kind": "command", "transcript": "what time is it"}
    (folder / "manifest.json").write_text(json.dumps([entry]), encoding="utf-8")
    return folder


def rows(printed: str) -> dict[str, list[str]]:
    """Give each printed row's cells by its name: trials, if it has them, one an engine, goal."""
    cells = [re.split(r"\s{2,}", line) for line in printed.splitlines() if line and not line.startswith(" ")]
    return {name: rest for name, *rest in cells}


def test_who_speaks_into_a_real_echo_is_heard_and_the_echo_is_not(
    recordings: Path, speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skip_without_rooms()
    asked = ["--recordings", str(recordings), "--speech", str(speech), "--mix", "0", "--jobs", "1"]
    status = main([*asked, "--engine", "kalman", "--engine", "none", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    told = rows(printed)
    assert told["user paused"][1:3] == ["100.0 %, 1 of 1 met", "0.0 %, 0 of 1 MISSED"]
    assert "none: user paused" in printed.splitlines()[-1]
    assert status == 1
    assert told["false pauses, nobody speaks"][0].startswith("0, 0 /h")
    assert told["commands, echo +0 dB: paused"][1] == "100.0 %, 1 of 1"
    written = json.loads((tmp_path / "bench-real.json").read_text(encoding="utf-8"))
    voice = written["voices"]["kalman"][0]
    assert voice["si_sdr_db"] > voice["mic_si_sdr_db"]


def test_a_folder_without_a_recogniser_s_model_is_named(
    recordings: Path, speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skip_without_rooms()
    pytest.importorskip("faster_whisper", reason="run script/setup --dev")
    asked = ["--recordings", str(recordings), "--only", "alone", "--speech", str(speech), "--mix", "0", "--jobs", "1"]
    no_model = tmp_path / "no-model"
    no_model.mkdir()

    assert main([*asked, "--recognizer", str(no_model), "--out", str(tmp_path)]) == 2
    assert str(no_model) in capsys.readouterr().err


def test_wrong_words_are_counted_by_echo_level_and_signal() -> None:
    transcripts = [
        Transcript(Ear.KEPT, 0.0, "what time is it", "what time is it", 4, 0),
        Transcript(Ear.KEPT, 0.0, "stop", "stop it", 1, 1),
        Transcript(Ear.MIC, 0.0, "what time is it", "water", 4, 4),
        Transcript(Ear.KEPT, 10.0, "stop", "", 1, 1),
    ]

    told = {figure.name: [cell for cell in figure.cells() if cell] for figure in word_figures(transcripts)}

    assert told == {
        "word errors, echo +0 dB": ["20 %", "1 of 5"],
        "  in the microphone's signal": ["100 %", "4 of 4"],
        "word errors, echo +10 dB": ["100 %", "1 of 1"],
    }


def test_why_somebody_was_not_heard_is_told(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--recordings", str(recordings), "--only", "both", "--jobs", "1", "--out", str(tmp_path)]
    assert main([*asked, "--set", "speaking-threshold=1.1", "--set", "vad-hysteresis=0"]) == 1
    printed = capsys.readouterr().out
    assert f"both at {USER_S[0]:.2f} s: not heard; of 37 windows: 37 the VAD hears no voice" in printed
    assert "user ducked" in printed.splitlines()[-1]


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (None, "manifest.json"),
        ("[]", "its manifest is empty"),
        ('{"id": 3}', "not as expected"),
        ('[{"id": "a", "kind": "opera"}]', "'opera'"),
        ('[{"id": "a", "kind": "far-end"}]', "a_mic.wav"),
    ],
)
def test_a_folder_that_cannot_be_used_is_named_with_its_remedy(
    manifest: str | None, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest, encoding="utf-8")
    assert main(["--recordings", str(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert str(tmp_path) in printed
    assert told in printed
    assert "give a folder with a manifest.json" in printed
