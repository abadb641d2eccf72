"""Counts the instructions that a Python module takes: on this machine, or as a Raspberry Pi 4 would run it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Protocol

from interject.wire.errors import InterjectError

_REPOSITORY = Path(__file__).resolve().parents[2]
_PLUGIN = Path(__file__).with_name("count_instructions.c")
# The import of ONNX Runtime takes 185 of 2,700 million more in one run of three, the rest differs by less than this
# share from run to run: the least of four counts or more, when two are alike.
_ALIKE, _LEAST_RUNS, _MOST_RUNS = 0.005, 4, 8
# More threads would count differently from run to run, and so would sets in another order.
_ALIKE_EACH_TIME = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
}
# No file has such a number (count_instructions.c).
_MARKS = 1_000_000


class NotCountedError(InterjectError):
    """What counts is missing, or gave no count."""


class Counter(Protocol):
    """Something that counts instructions."""

    @property
    def name(self) -> str:
        """What it is, for people."""

    def count(self, module: str, *arguments: str) -> int:
        """Return how many `python -m module arguments` takes; raises NotCountedError."""


class Callgrind:
    """Valgrind's, on this machine: its processor's widest instructions beyond AVX2 are not used."""

    name = "valgrind --tool=callgrind on this machine"

    def count(self, module: str, *arguments: str) -> int:
        """Return how many `python -m module arguments` takes; raises NotCountedError."""
        command = [_found("valgrind"), "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        said = _run([*command, sys.executable, "-m", module, *arguments], {"PYTHONPATH": str(_REPOSITORY)})
        return _only(r"Collected : (\d+)", said)


class Arm64:
    """QEMU's, as a cortex-a72 in a folder that has Python and packages for arm64 (script/test-arm64 makes it)."""

    name = "qemu-aarch64 -cpu cortex-a72"

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        pythons = sorted((self._root / "usr" / "bin").glob("python3.??"))
        if not pythons or not (self.site / "numpy").is_dir():
            raise NotCountedError(f"{root} has no Python with packages for arm64; script/test-arm64 makes it")
        self._python = pythons[0]
        self._hide_this_processor()

    @property
    def site(self) -> Path:
        """Where its packages are."""
        return self._root / "opt" / "site"

    def python(self, *options: str) -> list[str]:
        """Return the command that runs its Python, given options of QEMU."""
        return [_found("qemu-aarch64"), "-cpu", "cortex-a72", "-L", str(self._root), *options, str(self._python)]

    def count(self, module: str, *arguments: str) -> int:
        """Return how many `python -m module arguments` takes; raises NotCountedError."""
        counts: list[int] = []
        for _ in range(_MOST_RUNS):
            counts = sorted([*counts, _only(r"instructions: (\d+)", self._said(module, *arguments))])
            if len(counts) >= _LEAST_RUNS and counts[1] - counts[0] <= _ALIKE * counts[0]:
                return counts[0]
        raise NotCountedError(f"no two of {_MOST_RUNS} counts are alike: {counts}")

    def parts(self, module: str, *arguments: str) -> list[int]:
        """Return how many `python -m module arguments` takes from mark 2 k to mark 2 k + 1; raises NotCountedError.

        It marks a place by calling `mark`.
        """
        return between_marks(self._said(module, *arguments))

    def _said(self, module: str, *arguments: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            plugin = Path(folder) / "count_instructions.so"
            _run([_found("gcc"), "-shared", "-fPIC", "-O2", "-o", str(plugin), str(_PLUGIN)], {})
            # Our own code is that of this checkout, not what the folder has installed.
            paths = f"{_REPOSITORY}:{self.site}"
            return _run([*self.python("-plugin", str(plugin)), "-m", module, *arguments], {"PYTHONPATH": paths})

    def _hide_this_processor(self) -> None:
        """Let ONNX Runtime find no processor in /sys: it would die of one of another kind."""
        cpus = self._root / "sys" / "devices" / "system" / "cpu"
        cpus.mkdir(parents=True, exist_ok=True)
        for name in ("possible", "present"):
            (cpus / name).touch()


def between_marks(said: str) -> list[int]:
    """Return the instructions from mark 2 k to mark 2 k + 1 out of what the plugin said; raises NotCountedError."""
    found = [(int(place), int(count)) for place, count in re.findall(r"^mark (\d+): (\d+)$", said, re.MULTILINE)]
    if not found or len(found) % 2 or [place for place, _ in found] != list(range(len(found))):
        raise NotCountedError(f"no pairs of marks: {said[-500:]}")
    counts = [count for _, count in found]
    return [until - since for since, until in zip(counts[::2], counts[1::2], strict=True)]


def mark(place: int) -> None:
    """Let the instructions up to here be told, when they are counted (0 to 999)."""
    with contextlib.suppress(OSError):
        os.close(_MARKS + place)


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise NotCountedError(f"{program} is not installed; on Debian: apt-get install valgrind, or qemu-user gcc")
    return path


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - a command of our own
        command, env={**os.environ, **_ALIKE_EACH_TIME, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotCountedError(f"{Path(command[0]).name} ended with status {done.returncode}: {done.stderr[-500:]}")
    return done.stderr


def _only(pattern: str, said: str) -> int:
    found = re.search(pattern, said)
    if found is None:
        raise NotCountedError(f"no count in: {said[-500:]}")
    return int(found.group(1))
