"""What can happen to the file that keeps the conversations while the bridge runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

# What is said before fits in, and it is full at once.
_DISK = "8m"
_FILLING_BYTES = 1 << 12
# SQLite: a file's and a log's own header; whoever lost those would not take the file for a database at all.
_HEADER_BYTES = 100


class Harm(Protocol):
    """Something that happens to a store, and may pass.

    name: what it is, and how it is done on this machine. place: the folder of the bridge. command: what starts the
    bridge, so that it can be done; empty: nothing special.
    """

    name: str
    place: Path
    command: Sequence[str]

    def begin(self, pid: int) -> None:
        """Do it to the bridge with this process id; blocking."""

    def end(self) -> None:
        """Let it be over; blocking."""


class FullDisk:
    """A disk of 8 MB that something else fills; in a namespace of the bridge's own, so that it ends with it."""

    name = "disk full (tmpfs of 8 MB)"

    def __init__(self, place: Path) -> None:
        self.place = place
        self.command = _on_a_disk_of_its_own(place, f"size={_DISK}")
        self._filling: Path | None = None

    def begin(self, pid: int) -> None:
        """Fill it to the last byte."""
        self._filling = inside(pid, self.place / "filling")
        with self._filling.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(_FILLING_BYTES))
            except OSError:
                pass

    def end(self) -> None:
        """Make room."""
        if self._filling is not None:
            self._filling.unlink()


class FileLimit:
    """The store cannot grow any more, as where its user's share of the disk is used up."""

    name = "disk full (RLIMIT_FSIZE, as nothing may be mounted here)"
    command: Sequence[str] = ()

    def __init__(self, place: Path) -> None:
        self.place = place
        self._store = store_in(place)
        self._process: psutil.Process | None = None

    def begin(self, pid: int) -> None:
        """Set the limit to what the store has; logs are smaller."""
        largest = max(path.stat().st_size for path in _files_of(self._store))
        self._process = psutil.Process(pid)
        self._process.rlimit(psutil.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    def end(self) -> None:
        """Lift it."""
        if self._process is not None:
            self._process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Lock:
    """Another program holds the store."""

    name = "locked by another program"
    command: Sequence[str] = ()

    def __init__(self, place: Path) -> None:
        self.place = place
        self._store = store_in(place)
        self._holder: sqlite3.Connection | None = None

    def begin(self, pid: int) -> None:  # noqa: ARG002 - whoever uses the file is locked out
        """Take it."""
        self._holder = sqlite3.connect(self._store, isolation_level=None, check_same_thread=False)
        self._holder.execute("BEGIN EXCLUSIVE")

    def end(self) -> None:
        """Give it back."""
        if self._holder is not None:
            self._holder.close()


class Damage:
    """All of the file and of its log, but for their beginnings, is overwritten."""

    name = "damaged while it is used"
    command: Sequence[str] = ()

    def __init__(self, place: Path) -> None:
        self.place = place
        self._store = store_in(place)

    def begin(self, pid: int) -> None:  # noqa: ARG002 - see above
        """Overwrite it, after a change by somebody else: the bridge does not trust its cache then."""
        with contextlib.closing(sqlite3.connect(self._store)) as other:
            (version,) = other.execute("PRAGMA user_version").fetchone()
            other.execute(f"PRAGMA user_version = {version}")
            other.commit()
        for path in _files_of(self._store):
            size = path.stat().st_size
            with path.open("r+b") as file:
                file.seek(_HEADER_BYTES)
                file.write(os.urandom(max(0, size - _HEADER_BYTES)))

    def end(self) -> None:
        """Nobody mends it but the bridge."""


def read_only(folder: Path) -> Sequence[str] | None:
    """Make an empty folder one that cannot be written, and return what starts a bridge in it (empty: nothing special).

    None: root may do everything here but mount. Blocking.
    """
    if _may_mount(folder):
        return _on_a_disk_of_its_own(folder, "ro")
    folder.chmod(0o500)
    return None if os.access(folder, os.W_OK) else ()


async def harms(folder: Path) -> list[Harm]:
    """Return all that can be done on this machine, each to the store in a folder of its own below this one."""
    may_mount = await asyncio.to_thread(_may_mount, folder)
    full = FullDisk(folder / "full") if may_mount else FileLimit(folder / "full")
    return [full, Lock(folder / "locked"), Damage(folder / "damaged")]


def store_in(folder: Path) -> Path:
    """Return the store of a folder."""
    return folder / "conversations.sqlite3"


def inside(pid: int, path: Path) -> Path:
    """Return where we see what a process sees at a path."""
    return Path(f"/proc/{pid}/root{path}")


def _files_of(store: Path) -> list[Path]:
    """Return the file and its log."""
    return [store, store.with_name(f"{store.name}-wal")]


def _on_a_disk_of_its_own(folder: Path, options: str) -> Sequence[str]:
    mounted = f'mount -t tmpfs -o {options} tmpfs "$0" && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", mounted, str(folder), sys.executable, "-m", "interject.servers.llm")


def _may_mount(folder: Path) -> bool:
    trial = ("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", str(folder))
    try:
        return subprocess.run(trial, check=False, capture_output=True).returncode == 0  # noqa: S603 - a command of our own
    except OSError:
        return False
