"""What a demo does with what it cannot use: one clear sentence, soon, and nobody's files lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import wave
from pathlib import Path

import pytest

from tools.demo import main

_ROOT = Path(__file__).resolve().parents[2]
# Starting takes a second or two; a whole scene is not played.
_WAIT_S = 30.0


async def _demo(*arguments: str, **environment: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.demo", *arguments),
        cwd=_ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(_WAIT_S):
        said, _ = await process.communicate()
    return process.returncode, said.decode()


def _wav(path: Path, seconds: float, level: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(level.to_bytes(2, "little") * round(seconds * 16_000))
    return path


def _refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Give what it says to arguments that it refuses, before it starts anything."""
    monkeypatch.setattr(sys, "argv", ["demo", *arguments])
    with pytest.raises(SystemExit) as refusal:
        main()
    assert refusal.value.code == 2
    return capsys.readouterr().err


def test_a_recording_that_cannot_be_used_is_named_with_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.wav").write_text("no audio")
    (tmp_path / "short.wav").write_bytes(b"RIFF")
    _wav(tmp_path / "silent.wav", 1.0, 0)
    _wav(tmp_path / "empty.wav", 0.0, 0)
    _wav(tmp_path / "lecture.wav", 20.0, 500)
    wrong = {"missing": "no such file", "text": "no PCM WAV", "short": "no PCM WAV", "silent": "no sound"}
    wrong |= {"empty": "no sound", "lecture": "longer than 15 s"}
    for name, reason in wrong.items():
        said = _refused(monkeypatch, capsys, "--question", str(tmp_path / f"{name}.wav"))
        assert f"{name}.wav" in said
        assert reason in said


@pytest.mark.parametrize("moment", ["-1", "nan", "100", "soon"])
def test_a_moment_outside_the_scene_is_refused(
    moment: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "from 0 to 20 seconds" in _refused(monkeypatch, capsys, "--after", moment)


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, said = await _demo("--out", str(tmp_path / "file"))
    assert status == 2
    assert f"--out {tmp_path / 'file'}: cannot be written" in said


async def test_a_picture_that_cannot_be_written_is_named_before_anything_is_played(tmp_path: Path) -> None:
    picture = tmp_path / "nowhere" / "picture.svg"
    status, said = await _demo("--out", str(tmp_path), "--picture", str(picture))
    assert status == 2
    assert f"--picture {picture}: cannot be written" in said


async def test_a_model_that_is_not_there_ends_the_demo_and_other_files_stay(tmp_path: Path) -> None:
    mine = [_wav(tmp_path / "mine.wav", 1.0, 500), tmp_path / "mine.log"]
    mine[1].touch()
    (tmp_path / "room.wav").touch()
    status, said = await _demo(
        *("--out", str(tmp_path), "--stt-engine", "faster-whisper", "--stt-model", str(tmp_path / "no-model")),
        INTERJECT_STT_LOCAL_FILES_ONLY="true",
    )
    assert status == 2
    assert "stt ended with status 2" in said
    assert "no-model" in said
    assert "Traceback" not in said
    assert all(path.exists() for path in mine)
    assert not (tmp_path / "room.wav").exists()


async def test_a_recording_that_the_demo_would_overwrite_is_kept(tmp_path: Path) -> None:
    recording = _wav(tmp_path / "room.wav", 1.0, 500)
    status, said = await _demo("--out", str(tmp_path), "--question", str(recording))
    assert status == 2
    assert "copy it to another place" in said
    assert recording.exists()


@pytest.mark.parametrize("script", ["demo", "run"])
@pytest.mark.parametrize("after_s", [0.0, 0.08, 0.15, 0.25, 0.4, 0.8])
async def test_ctrl_c_ends_it_at_any_moment_of_its_start(tmp_path: Path, script: str, after_s: float) -> None:
    flags = {"demo": ["--out", str(tmp_path)], "run": ["--text"]}[script]
    process = await _started(script, *flags)
    # Whatever it is at by then: no moment may be one in which a Ctrl-C is lost, or told in a traceback.
    async with asyncio.timeout(_WAIT_S):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(process.wait()), after_s)
        os.killpg(process.pid, signal.SIGINT)
        said, _ = await process.communicate()
    # Once all four are there, script/run ends in good order.
    assert process.returncode in {130, -signal.SIGINT, *({0} if script == "run" else ())}
    assert b"Traceback" not in said


async def test_ctrl_c_ends_it_while_it_plays(tmp_path: Path) -> None:
    process = await _started("demo", "--out", str(tmp_path))
    assert process.stdout is not None
    async with asyncio.timeout(_WAIT_S):
        said = await process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        rest, _ = await process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in said + rest


async def _started(script: str, *flags: str) -> asyncio.subprocess.Process:
    # Whoever starts the tests in the background has them ignore SIGINT, and what they start would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return await asyncio.create_subprocess_exec(
            *(str(_ROOT / "script" / script), *flags),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
