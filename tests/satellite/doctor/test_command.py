"""`interject-satellite doctor` as somebody runs it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from interject.satellite.__main__ import main
from interject.satellite.audio.wav import read_wav
from tools.testing.patience import PATIENCE_S
from tools.testing.virtual_clock import run_virtual

if TYPE_CHECKING:
    from pathlib import Path

SIMULATED = ("--audio", "simulated", "--room-noise-db", "-70")


class Doctor:
    """Runs the command on a virtual clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.report = ""
        self.steps = ""

    def run(self, *flags: str) -> int:
        self._monkeypatch.setattr(asyncio, "run", run_virtual)
        self._monkeypatch.setattr(sys, "argv", ["interject-satellite", "doctor", *flags])
        status = main()
        self.report, self.steps = self._capsys.readouterr()
        return status


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(monkeypatch, capsys)


def test_a_room_in_which_any_speech_can_interrupt(doctor: Doctor) -> None:
    assert doctor.run(*SIMULATED, "--room-echo-db", "-15") == 0
    rows = dict(line.split("  ", 1) for line in doctor.report.splitlines() if "  " in line.strip())
    told = {name.strip(): value.strip() for name, value in rows.items()}
    assert told["Noise floor"] in {"-70 dBFS", "-71 dBFS"}
    # 10 ms of the device's and 5 ms of the room's.
    assert told["Delay"] == "15.0 ms, steady"
    assert told["Drift"] == "0 ppm (one clock)"
    assert told["Echo"] in {"-15 dB of what is played", "-16 dB of what is played"}
    assert told["Lost audio"] == "none"
    assert "Verdict: speech" in doctor.report
    assert [line.split()[0] for line in doctor.steps.splitlines()] == [
        "The", "Playing", "Listening", "Speaking", "Playing", "Measuring",
    ]  # fmt: skip


def test_a_room_in_which_something_has_to_be_changed(doctor: Doctor) -> None:
    assert doctor.run(*SIMULATED, "--room-echo-db", "-5", "--echo-canceller", "none") == 1
    assert "Verdict: half duplex" in doctor.report
    assert "use --echo-canceller kalman" in doctor.report


def test_a_loudspeaker_that_nobody_hears_cannot_be_measured(doctor: Doctor) -> None:
    assert doctor.run(*SIMULATED, "--room-echo-db", "-120") == 2
    assert "it could not be measured" in doctor.report
    assert "does not hear the loudspeaker" in doctor.report


def test_a_room_is_kept_to_be_measured_again(doctor: Doctor, tmp_path: Path) -> None:
    assert doctor.run(*SIMULATED, "--room-echo-db", "-15", "--record", str(tmp_path)) == 0

    (entry,) = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    played = read_wav(tmp_path / f"{entry['id']}_lpb.wav", entry["rate_hz"]).astype(float)
    mic = read_wav(tmp_path / f"{entry['id']}_mic.wav", entry["rate_hz"]).astype(float)
    late = round(0.015 * entry["rate_hz"])
    # What was heard is what was played, 15 dB below and 15 ms later.
    assert played[:-late] @ mic[late:] / (played @ played) == pytest.approx(10 ** (-15 / 20), rel=0.01)
    text = (tmp_path / f"{entry['id']}.txt").read_text(encoding="utf-8")
    assert text.endswith(doctor.report)
    assert "a recording of your room" in doctor.steps


def test_a_folder_that_is_none_is_told_before_anything_sounds(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert doctor.run(*SIMULATED, "--record", str(tmp_path / "file")) == 2

    assert "give another folder with --record" in doctor.steps
    assert "Playing" not in doctor.steps


def test_text_mode_has_nothing_to_check(doctor: Doctor) -> None:
    assert doctor.run("--text") == 2
    assert "text: a check-up needs a microphone" in doctor.steps


def test_ctrl_c_ends_it_without_a_traceback(repository: Path) -> None:
    # Whatever runs the tests may ignore Ctrl-C, as a shell does in the background; what it starts would as well.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "interject.satellite", "doctor", *SIMULATED]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=repository, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stderr is not None
            while "Playing a sweep" not in process.stderr.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            report, rest = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
    assert process.returncode == 130
    assert report == ""
    assert "Traceback" not in rest
