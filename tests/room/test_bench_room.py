"""script/bench room."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from satellite.turn.settings import TurnSettings
from script.support.bench_report import Verdict, table
from script.support.room_bench.__main__ import main
from script.support.room_bench.figures import figures
from script.support.room_bench.judged import Group
from script.support.room_bench.performance import Options
from script.support.room_bench.program import Part, program
from script.support.room_bench.report import comparison, write
from script.support.room_bench.runner import Job, live_through
from tests.room.casting import ECHO_LEVELS_DB, Wishes, make_scene
from tests.room.effort import Effort
from tests.room.scene import SCENE_KINDS, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from tests.room.corpus import Corpus

# No window is this sure.
DEAF = Options(turn=replace(TurnSettings(), speaking_threshold=1.1))


def test_what_went_wrong_is_counted_and_can_be_listened_to(tmp_path: Path, corpus: Corpus) -> None:
    wishes = Wishes(echo_db=0.0, seconds=17.0, effort=Effort.NORMAL)
    part = Part(Group.GOAL, make_scene(Kind.LONG, 1, corpus, wishes), corpus)
    judged = live_through(Job(part, DEAF, tmp_path))
    rows = figures([judged])
    yields = next(row for row in rows if row.name == "yields to interruptions")
    assert yields.verdict() is Verdict.MISSED
    assert "yields to interruptions" in table(rows)
    folder = tmp_path / "kalman" / "interruption-long-1"
    assert {path.name for path in folder.iterdir()} == {
        "mic.wav",
        "loudspeaker.wav",
        "user.wav",
        "echo.wav",
        "labels.json",
    }
    told = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    missed = judged.outcomes[0]
    assert {"why": f"missed: {missed.text}", "severity": 2.5, "at_s": missed.start_s} in told["failures"]
    write(tmp_path / "bench-room.json", {}, [judged], {"kalman": rows})
    written = json.loads((tmp_path / "bench-room.json").read_text(encoding="utf-8"))
    assert written["scenes"][0]["name"] == "interruption-long-1"
    assert written["worst"][0]["windows"]
    assert "kalman" in comparison({"kalman": rows, "aec3": rows}).splitlines()[0]


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
