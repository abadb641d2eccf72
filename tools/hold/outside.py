"""What can be seen of processes from outside: whether they live, what they use, and what they log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from tools.harness.processes import Processes

_MB = 1e6


class Outside:
    """Processes by name, each with its log in a folder."""

    def __init__(self, folder: Path, names: Collection[str], processes: Processes) -> None:
        self.folder = folder
        self.processes = processes
        self._names = names

    def alive(self, name: str) -> bool:
        """Tell whether a process still runs."""
        try:
            return bool(self._process(name).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def rss_mb(self, name: str) -> float:
        """Return how much memory a process has, in MB."""
        return float(self._process(name).memory_info().rss / _MB)

    def descriptors(self, name: str) -> int:
        """Return how many file descriptors a process has."""
        return int(self._process(name).num_fds())

    def threads(self, name: str) -> int:
        """Return how many threads a process has."""
        return int(self._process(name).num_threads())

    def log(self, name: str) -> bytes:
        """Return what a process has logged so far, as it is."""
        return (self.folder / f"{name}.log").read_bytes()

    def tracebacks(self) -> int:
        """Return how many tracebacks the logs have."""
        return sum(self.log(name).count(b"Traceback") for name in self._names)

    def _process(self, name: str) -> psutil.Process:
        return psutil.Process(self.processes.pid(name))


def places_of_their_own(folder: Path) -> dict[str, str]:
    """Return the environment of processes that keep all that they keep below a folder."""
    return {f"XDG_{kind}_HOME": str(folder / "home") for kind in ("STATE", "DATA", "CONFIG", "CACHE")}
