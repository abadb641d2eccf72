"""What can go wrong between a satellite and whoever commands it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


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
