"""The file of a unix socket: taken over from a service that died, never from one that lives."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

# A listening socket on this machine accepts at once, or its queue is full and somebody lives there all the same.
_PROBE_TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True)
class SocketFile:
    """A socket file that belongs to this process; `inode` tells it from a successor's at the same path."""

    path: Path
    inode: int

    @classmethod
    async def find(cls, path: str) -> SocketFile:
        """Return the file at `path`; raises OSError."""
        return cls(Path(path), (await asyncio.to_thread(os.stat, path)).st_ino)

    async def remove(self) -> None:
        """Delete the file if it is still this process's."""
        await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_ino == self.inode:
                self.path.unlink()


def bound_socket(path: str, mode: int | None) -> socket.socket:
    """Make a socket whose file has the bits `mode` before anybody can connect (blocking); raises OSError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.settimeout(0)
        listener.bind(path)
        if mode is not None:
            Path(path).chmod(mode)
    except OSError:
        listener.close()
        raise
    return listener


async def clear_socket_file(path: str) -> None:
    """Delete a socket that nobody listens at; raises OSError when somebody does, or another kind of file is there."""
    await asyncio.to_thread(_clear, Path(path))


def _clear(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "a file that is no socket is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_TIMEOUT_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except TimeoutError:
            pass
    raise OSError(errno.EADDRINUSE, "another service listens there")
