"""A Debian of its own in a folder: what runs in it sees nothing else, and what it mounts goes when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# A compiler for the few parts that have no wheel; ffmpeg converts what Home Assistant announces.
_PACKAGES = ("ca-certificates", "python3-venv", "python3-dev", "g++", "ffmpeg", "libturbojpeg0")
_SCRIPTS = Path("/usr/share/debootstrap/scripts")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PATH = "/ha/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Mounts made in a namespace of its own are gone with the last process in it. Python wants /proc and /dev.
_ENTER = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$@"'
_LOG_TAIL_LINES = 15


class CommandFailedError(InterjectError):
    """A step of the installation went wrong."""

    def __init__(self, command: Sequence[str], status: int, output: str) -> None:
        tail = "\n".join(output.splitlines()[-_LOG_TAIL_LINES:])
        super().__init__(f"{' '.join(command[:6])} … ended with status {status}:\n{tail}")


class NeedsRootError(InterjectError):
    """Only root can make a Debian in a folder."""

    def __init__(self) -> None:
        super().__init__("installing Home Assistant needs root (chroot, mount); --reuse URL works without")


class NoMirrorError(InterjectError):
    """This machine's apt knows no Debian to install from."""

    def __init__(self) -> None:
        super().__init__("apt knows no mirror of Debian; name one in /etc/apt/sources.list")


async def run(*command: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end, and return what it printed; raises CommandFailedError."""
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    output = printed.decode(errors="replace")
    if process.returncode:
        raise CommandFailedError(command, process.returncode, output)
    return output


def entering(root: Path, *command: str) -> list[str]:
    """Return the command that runs another one inside."""
    inside = {
        "HOME": "/", "LANG": "C.UTF-8", "PATH": _PATH, "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_CERT": str(_CERTIFICATES), "SSL_CERT_FILE": str(_CERTIFICATES),
    }  # fmt: skip
    variables = [f"{name}={value}" for name, value in inside.items()]
    return ["unshare", "--mount", "sh", "-c", _ENTER, str(root), str(root), "env", "-i", *variables, *command]


async def inside(root: Path, *command: str) -> str:
    """Run a command inside, and return what it printed; raises CommandFailedError."""
    return await run(*entering(root, *command))


async def make_debian(root: Path, suite: str) -> None:
    """Install a minimal Debian, of some 100 MB. Raises NeedsRootError, NoMirrorError, CommandFailedError."""
    if os.geteuid() != 0:
        raise NeedsRootError
    if shutil.which("debootstrap") is None:
        await run("apt-get", "update", "-qq")
        await run("apt-get", "install", "-y", "-qq", "debootstrap")
    found = await mirror()
    # A debootstrap that is older than the release can still install it the way the newest one it knows is installed.
    script = [] if (_SCRIPTS / suite).exists() else [str(_SCRIPTS / "sid")]
    root.parent.mkdir(parents=True, exist_ok=True)
    packages = ",".join(_PACKAGES)
    await run("debootstrap", "--variant=minbase", f"--include={packages}", suite, str(root), found, *script)
    shutil.copy("/etc/resolv.conf", root / "etc")
    # What this machine trusts is trusted inside: a network may have a certificate authority of its own.
    trusted = Path(os.environ.get("SSL_CERT_FILE", _CERTIFICATES))
    shutil.copy(trusted, root / _CERTIFICATES.relative_to("/"))


async def mirror() -> str:
    """Return where apt gets this machine's own Debian from; raises NoMirrorError."""
    listed = await run("apt-get", "indextargets", "--format", "$(SITE)", "Label: Debian", "Component: main")
    mirrors = listed.split()
    if not mirrors:
        raise NoMirrorError
    return mirrors[0]
