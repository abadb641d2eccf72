"""What builds and runs containers: docker with its compose, or podman with what stands in for them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from interject.wire.errors import InterjectError
from tools.home_assistant.chroot import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
BASE = "docker.io/library/python:3.13-slim-trixie"
_UV = str(Path(sys.executable).with_name("uv"))
_PODMAN_COMPOSE = "podman-compose==1.6.0"
_PACKAGES = (
    "podman", "buildah", "catatonit", "crun", "mmdebstrap", "uidmap", "iptables", "netavark", "aardvark-dns",
    "fuse-overlayfs", "docker-compose",
)  # fmt: skip
# Debian's Python in place of the image's own: headers as there, nothing else that the image has not.
_BASE_PACKAGES = "ca-certificates,python3,python3-venv,python3-pip,libpython3-dev"
_LEFT_OUT = ("man", "doc", "locale")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_COMPOSE_IN_DEBIAN = Path("usr/libexec/docker/cli-plugins/docker-compose")
_SERVICE_UP_S = 10.0
_POLL_S = 0.1
# Hybrid cgroups are taken for the new ones where the new tree is mounted below the old one.
_WRAPPER = """#!/bin/sh
export CONTAINERS_CONF={folder}/containers.conf
exec unshare -m --propagation private sh -c 'umount /sys/fs/cgroup/unified 2>/dev/null; exec podman \
--log-level=error --storage-driver=overlay --root {folder}/root --runroot {folder}/run "$@"' podman "$@"
"""
_CONFIGURATION = """[containers]
cgroups = "disabled"
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
[engine.runtimes]
crun = ["{folder}/runtime/crun"]
"""


class NoEngineError(InterjectError):
    """There is neither a docker that works nor the right to install podman."""

    def __init__(self) -> None:
        super().__init__(
            "no docker with compose answers here; with podman this needs root, to install it and to mount: run it as "
            "root, or start docker"
        )


def run(*command: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end, and return what it printed; raises CommandFailedError."""
    done = subprocess.run(  # noqa: S603 - commands of this package
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        raise CommandFailedError(command, done.returncode, done.stdout)
    return done.stdout


@dataclass(frozen=True, slots=True)
class Compose:
    """A program that understands compose files, by the command that runs it."""

    name: str
    command: Sequence[str]


class Engine(Protocol):
    """Builds images and runs containers."""

    @property
    def name(self) -> str:
        """What it is, with its version."""

    @property
    def command(self) -> str:
        """Its own program."""

    @property
    def composes(self) -> Sequence[Compose]:
        """What runs compose files with it."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What these need."""

    def build(self, file: Path, image: str, *flags: str, context: Path = ROOT) -> None:
        """Build an image out of this checkout, or of another folder; raises CommandFailedError."""

    def health(self, container: str) -> bool:
        """Run the image's health check in a container, and tell whether it passed."""


def sizes_mb(engine: Engine, images: Sequence[str]) -> list[float]:
    """Return the unpacked sizes of images."""
    shown = run(engine.command, "image", "inspect", *images, environment=engine.environment)
    return [image["Size"] / 1e6 for image in json.loads(shown)]


def passes(*command: str, environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether a command ends with status 0."""
    try:
        run(*command, environment=environment)
    except (CommandFailedError, OSError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Docker:
    """A docker whose daemon answers."""

    name: str
    environment: Mapping[str, str]
    command: str = "docker"
    composes: Sequence[Compose] = (Compose("docker compose", ("docker", "compose")),)

    def build(self, file: Path, image: str, *flags: str, context: Path = ROOT) -> None:
        """Build an image out of this checkout, or of another folder; raises CommandFailedError."""
        run("docker", "build", "-f", str(file), "-t", image, *flags, str(context), environment=self.environment)

    def health(self, container: str) -> bool:
        """Run the image's health check in a container, and tell whether it passed."""
        shown = run("docker", "inspect", container)
        _, *command = json.loads(shown)[0]["Config"]["Healthcheck"]["Test"]
        return passes("docker", "exec", container, *command)


@dataclass(frozen=True, slots=True)
class Podman:
    """A podman in a folder of its own, as root, without limits and cgroups, and with a socket like docker's."""

    name: str
    command: str
    composes: Sequence[Compose]
    environment: Mapping[str, str]

    def build(self, file: Path, image: str, *flags: str, context: Path = ROOT) -> None:
        """Build an image out of this checkout, or of another folder; raises CommandFailedError."""
        # What this machine trusts is trusted while building; it does not stay in the image.
        trusted = ["-v", f"{_CERTIFICATES}:{_CERTIFICATES}:ro"] if _CERTIFICATES.exists() else []
        how = ("--isolation", "chroot", "--pull=never", "--format", "docker", "--layers")
        run(self.command, "build", *how, *trusted, "-f", str(file), "-t", image, *flags, str(context))

    def health(self, container: str) -> bool:
        """Run the image's health check in a container, and tell whether it passed."""
        return passes(self.command, "healthcheck", "run", container)


def image_of(target: str) -> str:
    """Return the name of a target's image, as the compose file has it."""
    return f"localhost/interject-{target}"


@contextmanager
def open_engine(folder: Path, say: Callable[[str], None]) -> Iterator[Engine]:
    """Give the machine's docker, else a podman that lives in `folder`; raises NoEngineError, CommandFailedError."""
    environment = dict(os.environ)
    if passes("docker", "info") and passes("docker", "compose", "version"):
        version = run("docker", "version", "--format", "{{.Server.Version}}")
        yield Docker(f"docker {version.strip()}", environment)
        return
    if os.geteuid() != 0:
        raise NoEngineError
    folder.mkdir(parents=True, exist_ok=True)
    podman = _install_podman(folder, say)
    socket = folder / "podman.sock"
    socket.unlink(missing_ok=True)
    service = subprocess.Popen(  # noqa: S603 - as above
        [podman, "system", "service", "--time=0", f"unix://{socket}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        # Ctrl-C ends it last: it is needed to take down what was started.
        start_new_session=True,
    )  # fmt: skip
    try:
        ends = time.monotonic() + _SERVICE_UP_S
        while not socket.exists() and time.monotonic() < ends:
            time.sleep(_POLL_S)
        version = (run(podman, "--version")).strip()
        composes = _composes(folder, podman)
        yield Podman(version, podman, composes, {**environment, "DOCKER_HOST": f"unix://{socket}"})
    finally:
        service.terminate()
        service.wait()


def _install_podman(folder: Path, say: Callable[[str], None]) -> str:
    _need(("podman", "catatonit", "crun", "mmdebstrap", "netavark", "docker-compose"), _PACKAGES, say)
    runtime = folder / "runtime" / "crun"
    runtime.parent.mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("crun_without_limits.py"), runtime)
    runtime.chmod(0o755)
    (folder / "containers.conf").write_text(_CONFIGURATION.format(folder=folder), encoding="utf-8")
    podman = folder / "podman"
    podman.write_text(_WRAPPER.format(folder=folder), encoding="utf-8")
    podman.chmod(0o755)
    if not passes(str(podman), "image", "exists", BASE):
        say(f"a stand-in for {BASE}, of Debian's packages …")
        _make_base(folder, str(podman))
    return str(podman)


def _make_base(folder: Path, podman: str) -> None:
    packed = folder / "base.tar"
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in _LEFT_OUT]
    run(
        "mmdebstrap", "--variant=minbase", f"--include={_BASE_PACKAGES}", *excluded,
        '--customize-hook=ln -s /usr/bin/python3 "$1/usr/local/bin/python"', "trixie", str(packed),
    )  # fmt: skip
    path = "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    run(podman, "import", "-q", "-c", 'CMD ["python3"]', "-c", path, str(packed), BASE)
    packed.unlink()


def _composes(folder: Path, podman: str) -> Sequence[Compose]:
    newer = folder / "debian"
    if not (newer / _COMPOSE_IN_DEBIAN).exists():
        run("mmdebstrap", "--variant=extract", "--include=docker-compose", "trixie", str(newer))
    commands = (
        (str(newer / _COMPOSE_IN_DEBIAN),),
        ("docker-compose",),
        (_UV, "tool", "run", "--quiet", _PODMAN_COMPOSE, "--podman-path", podman),
    )
    names = [(run(*command, "version")).strip().splitlines()[0] for command in commands]
    return [Compose(name, command) for name, command in zip(names, commands, strict=True)]


def _need(programs: Sequence[str], packages: Sequence[str], say: Callable[[str], None]) -> None:
    if all(shutil.which(program) or Path("/usr/lib/podman", program).exists() for program in programs):
        return
    say(f"Installing Debian packages: {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, environment=environment)
