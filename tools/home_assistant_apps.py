"""Put together the folders from which Home Assistant builds the apps, out of this checkout.

Home Assistant builds an app from the app's own folder alone, so that each gets everything its image is made of: this
checkout's programs, docker/Dockerfile with a few lines more, and what home_assistant_apps says of the app. What comes
out is a repository of apps: copy its folders into the folder `addons` of a Home Assistant, or publish it as it is.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT = Path(__file__).parents[1]
_APPS = _ROOT / "home_assistant_apps"
_PROGRAMS = ("satellite", "stt", "llm", "tts")
# What docker/Dockerfile copies: .dockerignore lets through no more.
_SOURCES = ("docker/alsa", "LICENSE", "README.md", "pyproject.toml", "interject")


def main(argv: Sequence[str] | None = None) -> int:
    """Put together, and say where."""
    parser = argparse.ArgumentParser(
        prog="script/home-assistant-apps", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = _ROOT / "dist" / "home-assistant-apps"
    parser.add_argument("--out", type=Path, default=default, metavar="DIR", help="default: dist/home-assistant-apps")
    out: Path = parser.parse_args(argv).out
    put_together(out)
    sys.stdout.write(f"{', '.join(sorted(path.name for path in out.iterdir() if path.is_dir()))} are in {out}\n")
    return 0


def put_together(out: Path) -> None:
    """Write the repository of apps into `out`, in place of what an earlier call left there; blocking."""
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(_APPS / "repository.yaml", out)
    for program in _PROGRAMS:
        folder = out / f"interject_{program}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(_APPS / program, folder)
        shutil.copy(_APPS / "start.py", folder)
        shutil.copy(_ROOT / "CHANGELOG.md", folder)
        for source in _SOURCES:
            _copy(_ROOT / source, folder / source)
        (folder / "Dockerfile").write_text(_dockerfile(program), encoding="utf-8")


def _copy(source: Path, to: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
    # The app has a README of its own; the package's metadata needs one, whichever.
    elif not to.exists():
        shutil.copy(source, to)


def _dockerfile(program: str) -> str:
    image = (_ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    return image + (_APPS / "Dockerfile").read_text(encoding="utf-8").replace("@program@", program)


if __name__ == "__main__":
    raise SystemExit(main())
