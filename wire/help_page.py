"""What `--help` says: settings in groups, those of a first evening first, each with what it takes and its default."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from interject.wire.setting_field import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from interject.wire.setting_field import Field

FIRST = "First evening"
_WIDTH = 100
# What a value is called, by the end of the setting's name; the first that fits.
_METAVARS = (
    ("uri", "URI"),
    ("url", "URL"),
    ("_dir", "DIR"),
    ("host", "HOST"),
    ("command", "COMMAND"),
    ("_rate", "HZ"),
    ("_ms", "MS"),
    ("_db", "DB"),
    ("_hours", "HOURS"),
    ("_seconds", "S"),
    ("_s", "S"),
    ("timeout", "S"),
    ("name", "NAME"),
    ("model", "NAME"),
    ("voice", "NAME"),
    ("speaker", "NAME"),
    ("device", "DEVICE"),
    ("language", "LANGUAGE"),
)


@dataclass(frozen=True, slots=True)
class HelpPage:
    """What stands around the settings of a program, or of one command of it.

    program: what is typed to start it. commands: what else can be typed there, and what that does. groups: the only
    ones whose settings are listed; none: all. whole: list those of experts too.
    """

    program: str
    description: str
    commands: Mapping[str, str] = field(default_factory=dict)
    groups: Sequence[str] = ()
    note: str = ""
    whole: bool = False

    def usage(self) -> str:
        """Return one line, or two where there are commands."""
        usage = f"{self.program} [FLAG …]"
        return f"{usage}\n       {self.program} {' | '.join(self.commands)} …" if self.commands else usage

    def head(self) -> str:
        """Return what stands above the settings."""
        head = textwrap.fill(self.description, _WIDTH)
        if not self.commands:
            return head
        wide = max(map(len, self.commands)) + 2
        lines = [f"  {name:{wide}}{does}" for name, does in self.commands.items()]
        return "\n".join([head, "", "commands, each with a --help of its own:", *lines])

    def foot(self, prefix: str) -> str:
        """Return what stands below them."""
        sources = (
            f"Each flag is also a variable INTERJECT_{prefix.upper()}_… and a key in the table [{prefix}], or "
            f"[{prefix}.GROUP], of the file given by --config. A flag overrides the environment, and that the file."
        )
        return "\n\n".join(textwrap.fill(text, _WIDTH) for text in (self.note, sources) if text)

    def lists(self, setting: Field) -> bool:
        """Tell whether a setting is on the page."""
        option = setting.option
        hidden = option.refused or option.secret or (setting.expert and not self.whole)
        return not hidden and (not self.groups or setting.group in self.groups)


def group_of(setting: Field) -> str:
    """Return under which heading a setting stands."""
    return FIRST if setting.first else setting.group


def metavar_of(setting: Field) -> str:
    """Return what the value of a setting that takes one text is called."""
    if setting.option.metavar is not None:
        return setting.option.metavar
    if issubclass(setting.kind, Enum) or setting.option.choices:
        return setting.accepted()
    by_name = next((called for end, called in _METAVARS if setting.name.endswith(end)), None)
    if by_name is not None:
        return by_name
    return {"Path": "FILE", "int": "N", "float": "X"}.get(setting.kind.__name__, "TEXT")


def text_of(setting: Field) -> str:
    """Return what a setting does, what it accepts and what it is by default, once each."""
    notes = [_range_of(setting)]
    default = setting.default
    if "(default" not in setting.option.help and not _says_nothing(default):
        notes.append(f"default: {_written(default)}")
    noted = "; ".join(note for note in notes if note)
    return setting.option.help + (f" ({noted})" if noted else "")


def _written(default: Any) -> str:
    if default is True:
        return "on"
    if isinstance(default, float):
        return f"{default:g}"
    return str(default.value if isinstance(default, Enum) else default)


def _says_nothing(default: Any) -> bool:
    return default is None or default is False or default in ((), "")


def _range_of(setting: Field) -> str:
    if issubclass(setting.kind, Words):
        return ""
    low, high = setting.option.minimum, setting.option.maximum
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"{low:g} or more"
    return "" if high is None else f"{high:g} or less"
