"""A folder that has Debian's Python for arm64 and this checkout's wheel with all that it needs."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError
from tools.home_assistant.chroot import CommandFailedError, mirror, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_REPOSITORY = Path(__file__).resolve().parents[2]
# What this machine needs, and the Debian packages that have it.
_PROGRAMS = {
    "mmdebstrap": ("mmdebstrap",),
    "qemu-aarch64": ("qemu-user",),
    "gcc": ("gcc", "libc6-dev"),
    "aarch64-linux-gnu-gcc": ("gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"),
}
# As Raspberry Pi OS is since 2025. No program of them is run while they are unpacked.
_SUITE = "trixie"
_PACKAGES = ("python3", "libpython3-dev", "portaudio19-dev", "libgomp1", "libstdc++6")
_PYTHON = "3.13"
# The wheels of microWakeWord need glibc 2.35; trixie has 2.41.
_PLATFORM = "aarch64-manylinux_2_40"
_EXTRAS = "satellite,stt,tts,llm"
# It has no wheels, and is compiled here. Debian's own is 0.2.13, which a pin of 0.2.14 refuses.
_COMPILED = "pyaudio"
_LIBRARIES = Path("usr/lib/aarch64-linux-gnu")


class NeededError(InterjectError):
    """This machine lacks programs that only root can install."""

    def __init__(self, missing: Sequence[str], packages: Sequence[str]) -> None:
        install = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
        super().__init__(f"{', '.join(missing)} missing; as root: {install}")


class NeedsRootError(InterjectError):
    """Only root can unpack a Debian into a folder, with its owners and devices."""

    def __init__(self, root: Path) -> None:
        super().__init__(
            f"unpacking Debian for arm64 into {root} needs root; --only counts in a folder of root's does not"
        )


async def make_root(root: Path, say: Callable[[str], None]) -> None:
    """Make the folder unless it is there, and install the wheel of this checkout anew.

    Raises NeededError, NeedsRootError, NoMirrorError, CommandFailedError.
    """
    await _need(say)
    if not (root / "lib").exists():
        if os.geteuid() != 0:
            raise NeedsRootError(root)
        await _unpack_debian(root, say)
    site = root / "opt" / "site"
    shutil.rmtree(site, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        await _install_wheel(site, Path(folder), say)
        await _compile_pyaudio(root, site, Path(folder), say)


async def _need(say: Callable[[str], None]) -> None:
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if not missing:
        return
    packages = [package for program in missing for package in _PROGRAMS[program]]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NeededError(missing, packages)
    say(f"Debian packages: {' '.join(packages)} …")
    await run("apt-get", "update", "-qq")
    await run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)


async def _unpack_debian(root: Path, say: Callable[[str], None]) -> None:
    say(f"Debian {_SUITE} for arm64 into {root} …")
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    packages = f"--include={','.join(_PACKAGES)}"
    await run(
        "mmdebstrap", "--quiet", "--arch=arm64", "--variant=extract", packages, _SUITE, str(root), await mirror()
    )  # fmt: skip
    # What base-files makes when it is installed; the loader is looked for there.
    (root / "lib").symlink_to("usr/lib")


async def _install_wheel(site: Path, folder: Path, say: Callable[[str], None]) -> None:
    uv, environment = str(Path(sys.executable).with_name("uv")), await _trusting()
    await run(uv, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(_REPOSITORY), environment=environment)
    wheel = _only(folder, "*.whl")
    say(f"{wheel.name} with its packages for arm64 …")
    overrides = folder / "overrides.txt"
    overrides.write_text(f"{_COMPILED} ; python_version < '3'\n", encoding="utf-8")
    await run(
        uv, "pip", "install", "--quiet", "--python-version", _PYTHON, "--python-platform", _PLATFORM,
        "--only-binary", ":all:", "--overrides", str(overrides), "--target", str(site), f"{wheel}[{_EXTRAS}]",
        environment=environment,
    )  # fmt: skip


async def _compile_pyaudio(root: Path, site: Path, folder: Path, say: Callable[[str], None]) -> None:
    project = (_REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    pin = re.findall(rf'"({_COMPILED}==[^"; ]+)', project)[0]
    say(f"{pin}, compiled for arm64 …")
    await run(
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", _COMPILED,
        "--dest", str(folder), pin,
    )  # fmt: skip
    with tarfile.open(_only(folder, "*.tar.gz")) as packed:
        packed.extractall(folder, filter="data")
    source = _only(folder, "*/src/pyaudio")
    package = site / "pyaudio"
    package.mkdir()
    shutil.copy(source / "__init__.py", package)
    libraries = root / _LIBRARIES
    await run(
        "aarch64-linux-gnu-gcc", f"--sysroot={root}", "-shared", "-fPIC", "-O2",
        f"-I{root}/usr/include/python{_PYTHON}", *_sources(source),
        f"-L{libraries}", f"-B{libraries}", "-Wl,--allow-shlib-undefined", "-lportaudio",
        "-o", str(package / "_portaudio.so"),
    )  # fmt: skip


def _only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def _sources(folder: Path) -> list[str]:
    return [str(path) for path in sorted(folder.glob("*.c"))]


async def _trusting() -> Mapping[str, str]:
    """Return the environment in which uv trusts what the system trusts and asks where pip does, as script/setup."""
    environment = {"UV_SYSTEM_CERTS": "true", **os.environ}
    if not environment.keys() & {"UV_DEFAULT_INDEX", "UV_INDEX_URL"}:
        index = environment.get("PIP_INDEX_URL", "")
        with contextlib.suppress(CommandFailedError):
            index = index or (await run(sys.executable, "-m", "pip", "config", "get", "global.index-url")).strip()
        if index:
            environment["UV_DEFAULT_INDEX"] = index
    return environment
