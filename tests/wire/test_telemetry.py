"""Nothing that our packages load tells anybody what runs here."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tools.testing.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

_LOADS_ONNX_RUNTIME = ["interject.satellite.frontend.vad", "interject.servers.tts.engines.piper_reader"]


def _kept_at_home(code: str, home: Path) -> list[Path]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_", "CI"))}
    environ = {**inherited, "HOME": str(home)}
    subprocess.run([sys.executable, "-c", code], env=environ, check=True, timeout=PATIENCE_S)
    return [path for path in home.rglob("*") if "microsoft" in str(path).lower()]


@pytest.mark.parametrize("module", _LOADS_ONNX_RUNTIME)
def test_onnx_runtime_keeps_no_identifier_of_the_device(module: str, tmp_path: Path) -> None:
    assert _kept_at_home(f"import {module}, onnxruntime", tmp_path) == []
