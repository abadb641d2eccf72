"""Where the control socket of a satellite lies, and how it is found."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError
from interject.wire.xdg import our_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


# What --control-socket says for "I want none".
NONE = "none"
_FOLDER = "interject"
_SUFFIX = ".sock"
# The address of a unix socket has room for 107 bytes (unix(7)), and most of them are the folder's.
_LONGEST_NAME = 40
_PROBE_TIMEOUT_S = 0.5


class ControlSocketError(InterjectError):
    """No control socket can be made where the user wants one."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"cannot make the control socket {path}: {reason}; give --control-socket another path, or none"
        )
        self.path = path
        self.reason = reason


class NoSatelliteError(InterjectError):
    """Nobody listens at any control socket."""

    def __init__(self, looked_at: Sequence[Path]) -> None:
        places = ", ".join(map(str, looked_at))
        super().__init__(f"no satellite runs here (looked at {places}); start it, or give --control-socket PATH")
        self.looked_at = tuple(looked_at)


class SeveralSatellitesError(InterjectError):
    """More than one satellite could be meant."""

    def __init__(self, sockets: Sequence[Path]) -> None:
        names = ", ".join(path.stem for path in sockets)
        super().__init__(f"several satellites run here: {names}; say which one with --name")
        self.sockets = tuple(sockets)


def socket_folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return where sockets lie: the user's runtime directory, and the state directory where that is not to be had.

    Source: XDG Base Directory Specification, by which a relative path is ignored. A system service has no runtime
    directory, and who commands it by ssh has one: so both look at both.
    """
    runtime = Path(environ.get("XDG_RUNTIME_DIR", ""))
    return (*((runtime / _FOLDER,) if runtime.is_absolute() else ()), our_state(environ))


def plain_name(name: str) -> str:
    """Return a satellite's name without what a shell or a file system would take amiss."""
    return re.sub(r"[^a-z0-9_.]+", "-", name.lower())[:_LONGEST_NAME].strip("-.") or "satellite"


def file_name(name: str) -> str:
    """Return the name of a satellite's socket."""
    return f"{plain_name(name)}{_SUFFIX}"


def usable_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the first folder in which sockets can be made, and make it if need be (blocking)."""
    for folder in socket_folders(environ):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    return None


def find_socket(path: str | None, name: str | None, environ: Mapping[str, str]) -> Path:
    """Find the satellite that is meant (blocking): at `path`, by `name`, or the only one that runs here.

    Whether one listens at `path` is for the connection to tell. Raises NoSatelliteError, SeveralSatellitesError.
    """
    if path:
        return Path(path).expanduser()
    folders = socket_folders(environ)
    if name:
        return _living([folder / file_name(name) for folder in folders])
    found = [each for folder in folders for each in sorted(folder.glob(f"*{_SUFFIX}")) if _is_living(each)]
    if not found:
        raise NoSatelliteError([folder / f"*{_SUFFIX}" for folder in folders])
    if len(found) > 1:
        raise SeveralSatellitesError(found)
    return found[0]


def _living(paths: list[Path]) -> Path:
    for path in paths:
        if _is_living(path):
            return path
    raise NoSatelliteError(paths)


def _is_living(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_TIMEOUT_S)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
