"""A mistake in the user's ALSA configuration is told in a line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tools.testing.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("pyaudio", reason="pyaudio is not installed", exc_type=ImportError)


def test_a_mistake_in_asoundrc_is_told_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / ".asoundrc").write_text("pcm.mine {\n type hint {\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "interject.satellite", "--list-devices"],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    # PortAudio itself writes which of its functions failed.
    line = done.stderr.splitlines()[-1]
    assert ".asoundrc" in line
    assert "aplay -L" in line
