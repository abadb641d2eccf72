"""What can go wrong when services are installed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class NoSystemdError(InterjectError):
    """A program of systemd's is not there."""

    def __init__(self, program: str) -> None:
        super().__init__(
            f"{program} is not found: this machine has no systemd; --dry-run prints the units all the same"
        )
        self.program = program


class CommandFailedError(InterjectError):
    """A program of systemd's could not do what it was asked."""

    def __init__(self, command: Sequence[str], told: str) -> None:
        super().__init__(f"`{shlex.join(command)}` failed: {told or 'it does not say why'}")
        self.command = tuple(command)


class ForeignUnitError(InterjectError):
    """There is a unit of that name that somebody else wrote."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} was not written by install-service, and is left as it is; move it away first")
        self.path = path


class UnitFileError(InterjectError):
    """A unit file cannot be written or removed."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
