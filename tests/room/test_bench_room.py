"""script/bench room."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tools.bench.room.__main__ import main
from tools.bench.room.judged import Group
from tools.bench.room.program import program
from tools.simulator.sampling import ECHO_LEVELS_DB
from tools.simulator.scene import SCENE_KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from tools.simulator.corpus import Corpus


def test_what_went_wrong_is_counted_and_named_and_can_be_listened_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The satellite is deaf: no window is as sure as it wants one to be."""
    # Long enough for one interruption.
    monkeypatch.setattr("tools.bench.room.program.SCENE_S", 18.0)
    deaf = ["--set", "speaking_threshold=1.1", "--scenes", "1", "--seed", "1", "--jobs", "1"]
    assert main([*deaf, "--out", str(tmp_path), "--only-failures", str(tmp_path)]) == 1
    table, _, missed = capsys.readouterr().out.partition("kalman: Goals are missed, ")
    assert "yields to interruptions" in table
    assert "  yields to interruptions: 0.0 %" in missed
    folder = tmp_path / "kalman" / "interruption-long-1"
    assert {path.name for path in folder.iterdir()} == {
        "mic.wav",
        "loudspeaker.wav",
        "user.wav",
        "echo.wav",
        "labels.json",
    }
    failures = json.loads((folder / "labels.json").read_text(encoding="utf-8"))["failures"]
    assert failures[0]["why"].startswith("missed: ")
    written = json.loads((tmp_path / "bench-room.json").read_text(encoding="utf-8"))
    assert written["scenes"][0]["name"] == "interruption-long-1"
    assert failures[0]["at_s"] == written["scenes"][0]["outcomes"][0]["start_s"]
    assert written["worst"][0]["windows"]


def test_its_scenes_are_the_same_every_time_and_cover_every_kind_and_level(corpus: Corpus) -> None:
    parts = list(program(60, 5, corpus))
    assert [part.scene for part in program(20, 5, corpus)] == [part.scene for part in parts[:20]]
    grid = [part.scene for part in parts if part.group is Group.GOAL]
    assert {(scene.kind, scene.echo_db) for scene in grid} == {
        (kind, echo_db) for kind in SCENE_KINDS for echo_db in ECHO_LEVELS_DB
    }
    assert {part.group for part in parts} == set(Group)
    assert {part.scene.drift_ppm for part in parts if part.group is Group.DRIFT} == {50.0}
    assert all(part.scene.changes for part in parts if part.group in {Group.VOLUME, Group.MOVE, Group.DELAY})


def test_what_it_cannot_do_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--engine", "magic"])
    assert main(["--set", "loudness=3"]) == 2
    assert "loudness" in capsys.readouterr().err
