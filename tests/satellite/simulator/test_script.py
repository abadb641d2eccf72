from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from interject.satellite.audio.base import RoomScriptError
from interject.satellite.simulator.script import AfterClip, AfterLoudspeaker, AtTime, RoomClip, RoomScript, load_script

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.wav").write_bytes(b"")
    return tmp_path


def written(folder: Path, content: Any) -> Path:
    path = folder / "script.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_script_is_read(folder: Path) -> None:
    clips = [
        {"path": "a.wav", "start": {"at_s": 1}},
        {"path": str(folder / "a.wav"), "start": {"after_loudspeaker_s": 2.5}, "gain_db": -6},
        {"path": "a.wav", "start": {"after_clip_s": 0.7}},
    ]
    audio = folder / "a.wav"
    assert load_script(written(folder, {"clips": clips})) == RoomScript(
        (RoomClip(audio, AtTime(1)), RoomClip(audio, AfterLoudspeaker(2.5), -6), RoomClip(audio, AfterClip(0.7)))
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is no JSON"),
        ([], r'must be \{"clips": \[\.\.\.\]\}'),
        ({"clips": [{"path": "a.wav"}]}, r'clips\[0\] must have "path" and "start"'),
        ({"clips": [{"path": "a.wav", "start": {"at_s": 1}, "volume": 3}]}, "nothing else"),
        ({"clips": [{"path": "b.wav", "start": {"at_s": 1}}]}, r"clips\[0\]\.path: there is no file .*b\.wav"),
        ({"clips": [{"path": "a.wav", "start": {"when": 1}}]}, r'must be one of \{"at_s": seconds\}'),
        ({"clips": [{"path": "a.wav", "start": {"at_s": -1}}]}, r"start\.at_s must be seconds ≥ 0, it is -1"),
        (
            {"clips": [{"path": "a.wav", "start": {"at_s": float("nan")}}]},
            r"start\.at_s must be seconds ≥ 0, it is nan",
        ),
        ({"clips": [{"path": "a.wav", "start": {"at_s": 1}, "gain_db": "loud"}]}, "gain_db must be a number"),
    ],
)
def test_a_bad_script_is_told_with_its_place(folder: Path, content: Any, told: str) -> None:
    with pytest.raises(RoomScriptError, match=told):
        load_script(written(folder, content))


def test_a_missing_script_is_told(folder: Path) -> None:
    with pytest.raises(RoomScriptError, match=r"nowhere\.json: cannot be read: No such file"):
        load_script(folder / "nowhere.json")
