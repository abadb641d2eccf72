"""The command of a hook: a program and its arguments, checked before anything happens."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.satellite.records.hooks.table import Hook
from interject.wire.errors import SettingError

if TYPE_CHECKING:
    from interject.satellite.settings import SatelliteSettings


@dataclass(frozen=True, slots=True)
class Command:
    """A hook's program and its arguments; nothing of it is seen by a shell."""

    hook: Hook
    words: tuple[str, ...]

    @property
    def flag(self) -> str:
        """The flag that names it."""
        return f"--{self.hook.setting}"

    @property
    def program(self) -> str:
        """The program, as it was named."""
        return self.words[0]


def hook_commands(settings: SatelliteSettings) -> tuple[Command, ...]:
    """Read the commands of all hooks that are set (blocking: it looks for the programs).

    Raises SettingError for a command that cannot be split or whose program is not there.
    """
    texts = {hook: getattr(settings, hook.setting.replace("-", "_")) for hook in Hook}
    return tuple(read_command(hook, text) for hook, text in texts.items() if text)


def read_command(hook: Hook, text: str) -> Command:
    """Split a command and look for its program (blocking); raises SettingError."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise SettingError(hook.setting, f"the quotes of {text!r} do not match ({error})") from None
    if not words:
        raise SettingError(hook.setting, "it names no program; leave it out, or name one")
    if shutil.which(words[0]) is None:
        raise SettingError(
            hook.setting,
            f"there is no program {words[0]!r} that may be run; install it, or give its whole path (no shell "
            "is involved: ~ and $ mean nothing)",
        )
    return Command(hook, words)
