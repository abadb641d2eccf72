"""script/room."""

from __future__ import annotations

import json
import wave
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.servers.tts.tiny_voice import write_voice
from tools.bench.real.recordings import Kind, Recording, read_recordings, write_recordings
from tools.room.__main__ import main
from tools.simulator.levels import RATE_HZ
from tools.simulator.scene import SCENE_KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tools.simulator.corpus import Corpus


def read(path: Path) -> NDArray[np.int32]:
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int32)


def test_a_scene_becomes_wav_files_with_its_truth(tmp_path: Path, corpus: Corpus) -> None:
    asked = ["--scene", "interruption-short", "--seed", "3", "--echo-db", "10", "--seconds", "18", "--effort", "normal"]
    assert main([*asked, "--out", str(tmp_path)]) == 0
    folder = tmp_path / "interruption-short-3"
    truth = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    mic, loudspeaker, user, echo = (read(folder / f"{name}.wav") for name in ("mic", "loudspeaker", "user", "echo"))
    assert len(mic) == len(loudspeaker) == len(user) == len(echo) == 18 * RATE_HZ
    assert truth["scene"]["echo_db"] == 10
    question, label = truth["labels"][:2]
    assert (question["kind"], question["must_interrupt"]) == ("question", False)
    assert label["kind"] == "interruption-short"
    assert label["must_interrupt"] is True
    assert label["start_s"] == label["start_frame"] / RATE_HZ
    assert np.abs(user[: question["start_frame"] - 8]).max() <= 1
    assert np.abs(user[label["start_frame"] : label["end_frame"]]).max() > 100
    assert np.abs(echo).max() > np.abs(user).max()


def test_it_lists_its_scenes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed] == [kind.value for kind in SCENE_KINDS]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--scene", "opera"], "opera: one of interruption-long"),
        (["--seconds", "1"], "1: a number from 15"),
        (["--echo-db", "nan"], "nan: a number from -40"),
        (["--seed", "-1"], "-1: a whole number"),
    ],
)
def test_what_it_cannot_do_is_said(capsys: pytest.CaptureFixture[str], asked: list[str], told: str) -> None:
    with pytest.raises(SystemExit):
        main(asked)
    assert told in capsys.readouterr().err


def test_a_folder_without_a_manifest_is_named(
    tmp_path: Path, corpus: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--speech", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_devices_become_recordings_that_the_bench_of_real_ones_reads(
    tmp_path: Path, corpus: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--pairs", "4", "--seconds", "18", "--noise", "quiet", "--effort", "normal", "--echo-db", "5"]
    assert main([*asked, "--out", str(tmp_path)]) == 0
    written = read_recordings(tmp_path)
    assert [str(tmp_path / one.name) for one in written] == capsys.readouterr().out.split()
    assert Counter(one.name.split("-")[0] for one in written if one.kind is Kind.FAR_END) == {
        "speakerphone": 2,
        "laptop": 1,
        "phone": 1,
    }
    alone, both = written[:2]
    assert (alone.spans, both.kind) == ((), Kind.DOUBLE_TALK)
    for recording in (alone, both):
        # The first word is played half a second after the beginning.
        assert recording.mic.size == recording.played.size > 10 * RATE_HZ
        assert not np.abs(recording.played[: RATE_HZ // 2]).max()
        assert np.abs(recording.played[RATE_HZ // 2 : RATE_HZ]).max() > 1_000
    speech = both.spans[0]
    said, before = (
        np.square(both.mic[round(from_s * RATE_HZ) : round(to_s * RATE_HZ)].astype(float)).mean()
        for from_s, to_s in ((speech.start_s, speech.end_s), (1.0, speech.start_s))
    )
    assert said > before


def test_devices_play_what_was_played_in_recordings(
    tmp_path: Path, corpus: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    chirp = (8_000 * np.sin(np.cumsum(np.linspace(0.1, 1.5, 12 * RATE_HZ)))).astype(np.int16)
    source = tmp_path / "recorded"
    write_recordings(source, [Recording("chirp", Kind.FAR_END, RATE_HZ, np.zeros_like(chirp), chirp)])
    asked = ["--pairs", "1", "--seconds", "15", "--equipment", "linear", "--replies", str(source)]
    assert main([*asked, "--seed", "2", "--out", str(tmp_path / "out")]) == 0
    played = read_recordings(tmp_path / "out")[0].played
    reply = played[np.argmax(played != 0) :][: 4 * RATE_HZ].astype(float)
    original = chirp[np.argmax(chirp != 0) :][: 4 * RATE_HZ].astype(float)
    assert np.corrcoef(reply, original)[0, 1] == pytest.approx(1, abs=0.01)

    talk = Recording("talk", Kind.DOUBLE_TALK, RATE_HZ, chirp, chirp)
    write_recordings(tmp_path / "talking", [talk])
    assert main([*asked[:-1], str(tmp_path / "talking"), "--out", str(tmp_path / "out")]) == 2
    assert "far-end" in capsys.readouterr().err


def test_a_piper_voice_replies(tmp_path: Path, corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--pairs", "1", "--seconds", "15", "--equipment", "linear", "--out", str(tmp_path / "out")]
    model = write_voice(tmp_path, "en_US-tiny-low")
    assert main([*asked, "--reply-voice", str(model)]) == 0
    played = read_recordings(tmp_path / "out")[0].played
    # All that this voice can do is hum.
    hum = played[np.argmax(played != 0) :][RATE_HZ : 2 * RATE_HZ].astype(float)
    powers = np.square(np.abs(np.fft.rfft(hum)))
    assert powers.max() > 0.9 * powers.sum()

    assert main([*asked, "--reply-voice", str(tmp_path / "nothing.onnx")]) == 2
    assert "nothing.onnx" in capsys.readouterr().err
