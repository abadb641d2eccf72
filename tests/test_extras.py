"""A program without its extra says in a line which one it lacks."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from interject.wire.extras import ExtraMissingError, needing
from tools.testing.patience import PATIENCE_S

_PROGRAMS = [
    ("interject.satellite.__main__", "satellite"),
    ("interject.servers.stt.__main__", "stt"),
    ("interject.servers.tts.__main__", "tts"),
]


def start(module: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run a program where numpy, which each of the extras brings, is not installed."""
    code = f"import sys; sys.modules['numpy'] = None; from {module} import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


@pytest.mark.parametrize(("module", "extra"), _PROGRAMS)
def test_a_program_without_its_extra_names_it_in_one_line(module: str, extra: str) -> None:
    done = start(module, "--uri", "tcp://127.0.0.1:0")
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if "INFO" not in line]
    assert line.startswith(f"interject-{extra}: the package numpy is missing")
    assert f"wyoming-interject[{extra}]" in line


def test_the_doctor_does_so_too() -> None:
    done = start("interject.satellite.__main__", "doctor")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "wyoming-interject[satellite]" in done.stderr


@pytest.mark.parametrize(
    "module", ["interject.servers.stt.__main__", "interject.servers.tts.__main__", "interject.servers.llm.__main__"]
)
def test_the_help_of_a_server_needs_no_extra(module: str) -> None:
    assert start(module, "--help").returncode == 0


def test_a_module_of_our_own_that_is_missing_is_no_extra() -> None:
    with pytest.raises(ModuleNotFoundError) as caught, needing("stt"):
        importlib.import_module("interject.nothing_of_the_kind")
    assert not isinstance(caught.value, ExtraMissingError)
