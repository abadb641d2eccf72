"""--help of each script tells what it is for, at once: it installs nothing and needs no root."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.name for path in (_ROOT / "script").iterdir() if path.is_file() and os.access(path, os.X_OK))


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]])
@pytest.mark.parametrize("script", SCRIPTS)
def test_it_answers_in_a_fresh_clone(tmp_path: Path, script: str, arguments: list[str]) -> None:
    shutil.copytree(_ROOT / "script", tmp_path / "script", ignore=shutil.ignore_patterns("__pycache__"))
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("apt-get", "uv", "pip", "python3"):
        (programs / name).write_text(f"#!/bin/sh\ntouch {tmp_path / 'used'}\nexit 1\n")
        (programs / name).chmod(0o755)
    ended = subprocess.run(
        [tmp_path / "script" / script, *arguments],
        env={"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) >= 1
    assert not ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["programs", "script"]
