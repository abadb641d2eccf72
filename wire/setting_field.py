"""One setting: what is said of it, and how a value that somebody wrote becomes the value that a program uses."""

from __future__ import annotations

import dataclasses
import inspect
import math
import shlex
import types
import typing
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from interject.wire.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# Where a dataclass field carries its Option.
METADATA_KEY = "option"
_NONE = "none"
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


class Words(ABC):
    """Base of a setting's type whose values are written as several words, such as NAME [PIPELINE].

    On a command line the words follow the flag; in the environment they are quoted as in a shell; in a file they are
    one text, quoted likewise, or a list.
    """

    __slots__ = ()
    # What each word stands for, and how many of them must be there.
    WORDS: ClassVar[tuple[str, ...]]
    REQUIRED: ClassVar[int]

    @classmethod
    @abstractmethod
    def from_words(cls, *words: str) -> Self:
        """Make a value; raises ValueError or TypeError for words that do not say one."""

    @classmethod
    def written(cls) -> str:
        """Return how a value is written."""
        return " ".join([*cls.WORDS[: cls.REQUIRED], *(f"[{word}]" for word in cls.WORDS[cls.REQUIRED :])])


@dataclass(frozen=True, slots=True)
class Derived:
    """A default that follows from other settings: from those that somebody gave and those declared before it."""

    # The default where the other settings have theirs too.
    default: Any
    rule: Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Option:
    """What is said of a field besides its type and default."""

    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    # A secret must not stand in a process listing or a shell history: it comes by environment or file, not by flag.
    secret: bool = False
    # What the flag means when no value follows it; None where it needs one.
    alone: str | None = None
    derived: Derived | None = None
    # The setting is known only so that who gives it is told `help`, which names what takes its place.
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A setting with its name, its type, and its place among others.

    group, table: the GROUP and the TABLE of the class that declares it, for people and for files. first: whether that
    class names it in FIRST, as one of the few that somebody needs to begin with. expert: whether it is EXPERT, of
    which hardly anybody needs any. engine: the ENGINE of that class, which alone has its settings; None where all have.
    """

    name: str
    kind: type
    repeatable: bool
    optional: bool
    default: Any
    option: Option
    group: str = ""
    table: str = ""
    first: bool = False
    expert: bool = False
    engine: Enum | None = None

    @property
    def key(self) -> str:
        """Its name in files and, after two dashes, on the command line."""
        return self.name.replace("_", "-")

    def accepted(self) -> str:
        """Say what values there are."""
        return f"{self._accepted()}, or {_NONE}" if self._takes_none else self._accepted()

    @property
    def _takes_none(self) -> bool:
        """Whether somebody who does not want the default can say that he wants nothing instead."""
        return self.optional and self.option.derived is not None

    def _accepted(self) -> str:
        if issubclass(self.kind, Words):
            return self.kind.written()
        if values := self._values():
            return " | ".join(values)
        low, high = self.option.minimum, self.option.maximum
        name = {int: "a whole number", float: "a number", Path: "a path", str: "a text"}[self.kind]
        if low is not None and high is not None:
            return f"{name} from {low:g} to {high:g}"
        if low is not None:
            return f"{name}, {low:g} or more"
        return name if high is None else f"{name}, {high:g} or less"

    def _values(self) -> tuple[str, ...]:
        if issubclass(self.kind, Enum):
            return tuple(str(member.value) for member in self.kind)
        return ("true", "false") if self.kind is bool else self.option.choices

    def parse(self, origin: str, value: Any) -> Any:
        """Convert one source's value; raises SettingError that names the origin and what is accepted."""
        if self.option.refused:
            raise SettingError(origin, self.option.help)
        if self.repeatable:
            parts = value if isinstance(value, list | tuple) else [part for part in str(value).split(",") if part]
            return tuple(self._parse_one(origin, part) for part in parts)
        return self._parse_one(origin, value)

    def _parse_one(self, origin: str, value: Any) -> Any:
        if self._takes_none and value in ("", _NONE):
            return None
        try:
            parsed = self._convert(value)
        except (ValueError, TypeError):
            raise SettingError(origin, f"{self._shown(value)} is not accepted; give {self.accepted()}") from None
        if self.option.choices and parsed not in self.option.choices:
            raise SettingError(origin, f"{self._shown(value)} is not accepted; give {self.accepted()}")
        low, high = self.option.minimum, self.option.maximum
        if (low is not None and not parsed >= low) or (high is not None and not parsed <= high):
            raise SettingError(origin, f"{self._shown(value)} is out of range; give {self.accepted()}")
        return parsed

    def _shown(self, value: Any) -> str:
        if self.option.secret:
            return "that"
        return repr(shlex.join(map(str, value)) if isinstance(value, list) else value)

    def _convert(self, value: Any) -> Any:
        if self.kind is bool:
            return _to_bool(value)
        if isinstance(value, bool):
            raise TypeError
        if issubclass(self.kind, Words):
            words = shlex.split(value) if isinstance(value, str) else [str(word) for word in value]
            return self.kind.from_words(*words)
        if self.kind is str and not isinstance(value, str):
            raise TypeError
        if self.kind is int and isinstance(value, float):
            raise TypeError
        if self.kind is Path:
            return Path(value).expanduser()
        make: Callable[[Any], Any] = self.kind
        converted = make(value)
        if isinstance(converted, float) and not math.isfinite(converted):
            raise ValueError
        return converted


def fields_of(schema: type) -> list[Field]:
    """Return the settings that a dataclass declares, in its order."""
    hints = typing.get_type_hints(schema)
    return [_field(item, hints[item.name], _declaring(schema, item.name)) for item in dataclasses.fields(schema)]


def offered(fields: Iterable[Field]) -> list[str]:
    """Return the keys that can be given, `config` first."""
    return ["config", *(field.key for field in fields if not field.option.refused)]


def _declaring(schema: type, name: str) -> type:
    return next(part for part in schema.__mro__ if name in inspect.get_annotations(part))


def _field(item: dataclasses.Field[Any], hint: Any, declaring: type) -> Field:
    repeatable = optional = False
    if isinstance(hint, types.UnionType):
        optional = True
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        repeatable = True
        hint = typing.get_args(hint)[0]
    said = vars(declaring)
    return Field(
        item.name,
        hint,
        repeatable,
        optional,
        item.default,
        item.metadata[METADATA_KEY],
        group=said.get("GROUP", ""),
        table=said.get("TABLE", ""),
        first=item.name in said.get("FIRST", ()),
        expert=said.get("EXPERT", False),
        engine=said.get("ENGINE"),
    )


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
        return value.lower() in _TRUE
    raise ValueError
