"""Build the sdist and the wheel, and try them as a user would: each extra in an empty environment.

Checked are the metadata, that the changelog has the version, that neither torch nor CUDA is installed with any extra,
that every program gives its help with its extra and names that extra in one line where there is none, that each
server says that it is ready, and that pip, pipx and `uv tool` install a satellite. The size of each environment is
printed. Nothing is uploaded.

Status: 0 all is well, 1 something is not, which is told.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_ROOT = Path(__file__).parents[1]
_UV = str(Path(sys.executable).with_name("uv"))
_TWINE = "twine==6.2.0"
_PIPX = "pipx==1.8.0"
_SERVERS = ("stt", "llm", "tts")
_EXTRAS = ("", "satellite", *_SERVERS, "all")
# The largest room device that the packages are meant for has little more to spare.
_MOST_MB = {"satellite": 240}
_UNWANTED = re.compile(r"^(torch|nvidia|triton)", re.MULTILINE)
# An engine is imported and its voice or model loaded, on a machine that may be busy.
_READY_S = 60
_HELP_S = 60
_USERS_MISTAKE = 2


class ReleaseError(InterjectError):
    """What was built is not fit to be given away."""


def main(argv: Sequence[str] | None = None) -> int:
    """Build, try and tell."""
    parser = argparse.ArgumentParser(
        prog="script/release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=_ROOT / "dist", metavar="DIR", help="default: dist")
    out: Path = parser.parse_args(argv).out.resolve()
    try:
        _check_changelog()
        sdist, wheel = _build(out)
        _run(_UV, "tool", "run", _TWINE, "check", "--strict", str(sdist), str(wheel))
        for extra in _EXTRAS:
            with tempfile.TemporaryDirectory(prefix="interject-release-") as folder:
                _try_extra(wheel, extra, Path(folder))
        with tempfile.TemporaryDirectory(prefix="interject-release-") as folder:
            _install(sdist, "", Path(folder))
            _say("sdist: installs")
        for way in _WAYS:
            with tempfile.TemporaryDirectory(prefix="interject-release-") as folder:
                _try_way(way, f"{wheel}[satellite]", Path(folder))
    except ReleaseError as error:
        sys.stderr.write(f"script/release: {error}\n")
        return 1
    _say(f"{sdist.name} and {wheel.name} are in {out}")
    return 0


def _check_changelog() -> None:
    version = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    heading, *_ = re.findall(r"^## (\S+)", (_ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    if version != heading:
        raise ReleaseError(f"pyproject.toml says {version}, and CHANGELOG.md begins with {heading}")


def _build(out: Path) -> tuple[Path, Path]:
    shutil.rmtree(out, ignore_errors=True)
    _run(_UV, "build", "--quiet", "--out-dir", str(out), str(_ROOT))
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    _say(f"{sdist.name} {_megabytes(sdist):.1f} MB, {wheel.name} {_megabytes(wheel):.1f} MB")
    return sdist, wheel


def _try_extra(wheel: Path, extra: str, folder: Path) -> None:
    _install(wheel, extra, folder)
    packages = _run(_UV, "pip", "list", "--python", str(folder / "bin" / "python"))
    if unwanted := _UNWANTED.findall(packages):
        raise ReleaseError(f"with [{extra}] {', '.join(unwanted)} is installed")
    size_mb = _megabytes(folder)
    _say(f"[{extra}]: {size_mb:.0f} MB, {len(packages.splitlines()) - 2} packages")
    if size_mb > _MOST_MB.get(extra, size_mb):
        raise ReleaseError(f"[{extra}] takes {size_mb:.0f} MB; it may take {_MOST_MB[extra]}")
    for program in ("satellite", *_SERVERS):
        # The bridge's own engine needs no package.
        if extra in {program, "all"} or program == "llm":
            _try_program(folder, program)
        elif not extra:
            _try_without_extra(folder, program)


def _install(what: Path, extra: str, folder: Path) -> None:
    named = f"{what}[{extra}]" if extra else str(what)
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    # From elsewhere, so that the settings for uv in this folder's pyproject.toml, which no user has, do not help.
    _run(_UV, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), named, cwd=folder)


def _with_pip(what: str, folder: Path) -> Path:
    _run(sys.executable, "-m", "venv", str(folder))
    _run(str(folder / "bin" / "pip"), "install", "--quiet", what, cwd=folder)
    return folder / "bin"


def _with_pipx(what: str, folder: Path) -> Path:
    home = {"PIPX_HOME": str(folder / "home"), "PIPX_BIN_DIR": str(folder / "bin"), "PIPX_MAN_DIR": str(folder / "man")}
    _run(_UV, "tool", "run", _PIPX, "install", "--quiet", what, cwd=folder, environ=home)
    return folder / "bin"


def _with_uv_tool(what: str, folder: Path) -> Path:
    home = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    _run(_UV, "tool", "install", "--quiet", what, cwd=folder, environ=home)
    return folder / "bin"


_WAYS: Mapping[str, Callable[[str, Path], Path]] = {"pip": _with_pip, "pipx": _with_pipx, "uv tool": _with_uv_tool}


def _try_way(way: str, what: str, folder: Path) -> None:
    begun = time.monotonic()
    programs = _WAYS[way](what, folder)
    took_s = time.monotonic() - begun
    if "usage" not in _run(str(programs / "interject-satellite"), "--help"):
        raise ReleaseError(f"what {way} installs gives no help")
    _say(f"{way}: installs a satellite in {took_s:.0f} s")


def _try_program(folder: Path, program: str) -> None:
    command = str(folder / "bin" / f"interject-{program}")
    if "usage" not in _run(command, "--help"):
        raise ReleaseError(f"interject-{program} --help says nothing of its usage")
    if program in _SERVERS:
        _until_ready(command)


def _until_ready(command: str) -> None:
    """Start a server, wait until it says that it is ready, and end it."""
    with subprocess.Popen(  # noqa: S603 - what was built a moment ago
        [command, "--uri", "tcp://127.0.0.1:0"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        patience = threading.Timer(_READY_S, process.kill)
        patience.start()
        assert process.stderr is not None  # noqa: S101 - a pipe was asked for
        told = []
        for line in process.stderr:
            told.append(line)
            if "Ready at" in line:
                break
        process.terminate()
        patience.cancel()
        if not told or "Ready at" not in told[-1]:
            raise ReleaseError(f"{Path(command).name} is not ready: {''.join(told)}")


def _try_without_extra(folder: Path, program: str) -> None:
    command = [str(folder / "bin" / f"interject-{program}"), "--uri", "tcp://127.0.0.1:0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_HELP_S)  # noqa: S603 - as above
    if (
        done.returncode != _USERS_MISTAKE
        or f"wyoming-interject[{program}]" not in done.stderr
        or "Traceback" in done.stderr
    ):
        raise ReleaseError(f"interject-{program} without its extra says: {done.stderr}")


def _run(*command: str, cwd: Path | None = None, environ: Mapping[str, str] | None = None) -> str:
    # With this checkout on Python's path pip would find the distribution there, and install nothing.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(  # noqa: S603 - from this file
        command, capture_output=True, text=True, check=False, cwd=cwd, env={**inherited, **(environ or {})}
    )
    if done.returncode:
        raise ReleaseError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _megabytes(path: Path) -> float:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
    return sum(file.stat().st_size for file in files) / 1e6


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
