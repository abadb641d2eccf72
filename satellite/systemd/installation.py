"""Puts unit files where systemd looks for them, and has it take notice."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interject.satellite.systemd.units import MARK, Part, unit_text
from interject.wire.errors import InterjectError
from interject.wire.xdg import config_home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from interject.satellite.systemd.units import Unit


# Where nobody has logged in, the manager of a user starts only when it is told to linger, and answers within a second
# or two, on a small board within several.
MANAGER_STARTS_S = 10.0
_LOOK_AGAIN_S = 0.2


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


@dataclass(frozen=True, slots=True)
class Manager:
    """The manager that runs services: the system's, or a user's.

    folder: where it looks for units. systemctl: how it is spoken to. lingering: the user whose manager has to run
    without a login; None: it runs anyway.
    """

    folder: Path
    systemctl: tuple[str, ...]
    lingering: str | None = None


def user_manager(user: str, environ: Mapping[str, str]) -> Manager:
    """Return the manager of a user."""
    return Manager(config_home(environ) / "systemd" / "user", ("systemctl", "--user"), user)


def system_manager() -> Manager:
    """Return the manager of the system."""
    return Manager(Path("/etc/systemd/system"), ("systemctl",))


def preview(manager: Manager, units: Sequence[Unit]) -> str:
    """Show what `install` would write and run."""
    written = "\n".join(f"--- {manager.folder / unit.part.unit}\n{unit_text(unit)}" for unit in units)
    commands = _commands(manager, [unit.part.unit for unit in units])
    if manager.lingering is not None:
        commands = [_lingering(manager.lingering), *commands]
    return written + "\n--- then\n" + "".join(f"{shlex.join(command)}\n" for command in commands)


def install(manager: Manager, units: Sequence[Unit], tell: Callable[[str], None]) -> None:
    """Write the units and start them, now and at each boot.

    Raises ForeignUnitError, before anything was written, UnitFileError, NoSystemdError, CommandFailedError.
    """
    _need_systemd(manager)
    texts = {manager.folder / unit.part.unit: unit_text(unit) for unit in units}
    for path in texts:
        there = _read(path)
        if there is not None and not there.startswith(MARK):
            raise ForeignUnitError(path)
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UnitFileError(path, f"cannot be written ({error.strerror})") from None
        tell(f"wrote {path}")
    if manager.lingering is not None:
        try:
            _run(_lingering(manager.lingering), tell)
        except (CommandFailedError, NoSystemdError) as error:
            # All else works: it only does not start before the user logs in.
            tell(f"{error}. Without it nothing runs until {manager.lingering} logs in; with sudo it may work")
    for number, command in enumerate(_commands(manager, [unit.part.unit for unit in units])):
        # The first one is the first that somebody has to answer.
        _run(command, tell, MANAGER_STARTS_S if number == 0 and manager.lingering is not None else 0.0)


def uninstall(manager: Manager, tell: Callable[[str], None]) -> None:
    """Stop and remove what `install` wrote, and leave what others wrote; raises as `install` does."""
    paths = _installed(manager)
    if not paths:
        tell(f"nothing of ours is in {manager.folder}")
        return
    _need_systemd(manager)
    _run(_disabling(manager, paths), tell)
    for path in paths:
        try:
            path.unlink()
        except OSError as error:
            raise UnitFileError(path, f"cannot be removed ({error.strerror})") from None
        tell(f"removed {path}")
    _run((*manager.systemctl, "daemon-reload"), tell)
    if (user := manager.lingering) is not None:
        tell(f"{user} still lingers; where nothing else needs it: loginctl disable-linger {user}")


def preview_of_uninstall(manager: Manager) -> str:
    """Show what `uninstall` would run and remove."""
    paths = _installed(manager)
    if not paths:
        return f"--- nothing of ours is in {manager.folder}\n"
    commands = (_disabling(manager, paths), ("rm", *map(str, paths)), (*manager.systemctl, "daemon-reload"))
    return "".join(f"{shlex.join(command)}\n" for command in commands)


def _disabling(manager: Manager, paths: Sequence[Path]) -> tuple[str, ...]:
    return (*manager.systemctl, "disable", "--now", *(path.name for path in paths))


def _commands(manager: Manager, units: Sequence[str]) -> list[tuple[str, ...]]:
    ctl = manager.systemctl
    # Restarted, as an older one may run.
    return [(*ctl, "daemon-reload"), (*ctl, "enable", *units), (*ctl, "restart", *units)]


def _lingering(user: str) -> tuple[str, ...]:
    return ("loginctl", "enable-linger", user)


def _installed(manager: Manager) -> list[Path]:
    paths = [manager.folder / part.unit for part in Part]
    return [path for path in paths if (_read(path) or "").startswith(MARK)]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnitFileError(path, f"cannot be read ({error.strerror})") from None


def _need_systemd(manager: Manager) -> None:
    if shutil.which(manager.systemctl[0]) is None:
        raise NoSystemdError(manager.systemctl[0])


def _run(command: Sequence[str], tell: Callable[[str], None], patience_s: float = 0.0) -> None:
    tell(f"$ {shlex.join(command)}")
    deadline_s = time.monotonic() + patience_s
    while (told := _failure(command)) is not None:
        if time.monotonic() >= deadline_s:
            raise CommandFailedError(command, told)
        time.sleep(_LOOK_AGAIN_S)


def _failure(command: Sequence[str]) -> str | None:
    """Run a program; None, or what it says if it failed."""
    try:
        done = subprocess.run(  # noqa: S603 - words of ours and the user's own name, and no shell
            command, capture_output=True, text=True, check=False, env=_environment(), stdin=subprocess.DEVNULL
        )
    except OSError:
        raise NoSystemdError(command[0]) from None
    return " ".join((done.stderr or done.stdout).split()) if done.returncode else None


def _environment() -> dict[str, str]:
    """Say where the user's manager listens, where a session does not: after `su`, `sudo -u` or in a script."""
    return {"XDG_RUNTIME_DIR": f"/run/user/{os.getuid()}", **os.environ}
