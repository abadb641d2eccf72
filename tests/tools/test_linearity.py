"""How linear an echo is."""

from __future__ import annotations

import json
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.pcm import to_int16
from tools.bench.real.recordings import read_recordings
from tools.room.__main__ import main
from tools.room.linearity import echoes, measured, rows
from tools.simulator.levels import RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DELAY = 1_234


def echo(residual_db: float, seconds: int = 6) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a microphone that hears what is played late, filtered, and with noise so far below it; and that."""
    random = np.random.default_rng(1)
    played = 0.1 * random.standard_normal(seconds * RATE_HZ)
    air = random.standard_normal(800) * np.exp(-np.arange(800) / 150)
    heard = np.convolve(played, air / np.sqrt(air @ air))[: len(played)]
    mic = np.concatenate((np.zeros(DELAY), heard))[: len(played)]
    mic += 0.1 * 10 ** (-residual_db / 20) * random.standard_normal(len(played))
    return mic, played


@pytest.mark.parametrize("residual_db", [3.0, 12.0])
def test_what_no_linear_filter_makes_is_what_is_left(residual_db: float) -> None:
    mic, played = echo(residual_db)
    where = np.ones(len(mic), np.bool_)
    where[:RATE_HZ] = False
    found = measured("noisy", mic, played, where)
    assert found.linear_db == pytest.approx(10 * np.log10(1 + 10 ** (residual_db / 10)), abs=0.5)
    assert found.unsteady_db < 2


def test_a_gain_that_pumps_is_told_from_one_that_does_not() -> None:
    mic, played = echo(30.0)
    pumping = np.repeat(np.resize((1.0, 2.0), 6), RATE_HZ)
    where = np.ones(len(mic), np.bool_)
    where[:RATE_HZ] = False
    assert measured("steady", mic, played, where).unsteady_db < 0.5
    assert measured("pumping", mic * pumping, played, where).unsteady_db == pytest.approx(6.0, abs=0.5)


def write(path: Path, samples: NDArray[np.float64]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(to_int16(samples.astype(np.float32)).tobytes())


def test_recordings_are_measured_where_nobody_else_speaks_and_above_their_noise(tmp_path: Path) -> None:
    mic, played = echo(10.0)
    random = np.random.default_rng(2)
    mic[4 * RATE_HZ : 5 * RATE_HZ] += 0.3 * random.standard_normal(RATE_HZ)
    # The rumble of a room is no part of an echo.
    mic += 0.2 * np.sin(2 * np.pi * 40 * np.arange(len(mic)) / RATE_HZ)
    # Its last second has the noise alone.
    played[-RATE_HZ:] = 0
    mic[-RATE_HZ:] -= echo(200.0)[0][-RATE_HZ:]
    for name, side in (("talk", played), ("quiet", np.zeros_like(played))):
        write(tmp_path / f"{name}_mic.wav", mic)
        write(tmp_path / f"{name}_lpb.wav", side)
    clips = [
        {"id": "talk", "kind": "double-talk", "user_speech_s": [[4.0, 5.0]]},
        {"id": "quiet", "kind": "near-end"},
    ]
    (tmp_path / "manifest.json").write_text(json.dumps(clips), encoding="utf-8")
    (found,) = echoes(read_recordings(tmp_path))
    assert found.linear_db == pytest.approx(10.4, abs=0.7)
    assert found.above_noise_db == pytest.approx(10.0, abs=1.0)
    assert found.noiseless_db > found.linear_db + 5
    one, every = rows("recorded", [found])
    assert (one[:2], every[:2]) == (["talk", "1"], ["recorded", "1"])
    assert one[3] == every[3] == f"{found.linear_db:.1f}"


def test_a_number_that_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--linearity", "few"])
    assert "few: a whole number" in capsys.readouterr().err
