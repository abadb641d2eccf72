"""One schema for flags, environment and configuration file.

A frozen dataclass declares the settings of a process; `load` fills it. A flag overrides the environment, which
overrides the file, which overrides the default. With the prefix `stt`, the field `beam_size` is the flag
`--beam-size`, the variable `INTERJECT_STT_BEAM_SIZE` and the key `beam-size` in the table `[stt]` of the TOML file
named by `--config` or `INTERJECT_STT_CONFIG`.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import tomllib
import types
import typing
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from wire import package_version
from wire.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")

_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")
_OPTION = "option"
# The tables of a file that all four processes share.
_TABLES = ("satellite", "stt", "llm", "tts")


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


def option(
    default: Any,
    help: str,  # noqa: A002 - the word argparse uses
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    metavar: str | None = None,
    secret: bool = False,
    alone: str | None = None,
) -> Any:
    """Declare a field.

    Types: str, int, float, bool, Path, an Enum with string values, each of these or None, and tuples of str, Path or
    int (the flag is then repeatable; the environment separates with commas). `alone` is what the flag means when no
    value follows it.
    """
    return dataclasses.field(
        default=default,
        repr=not secret,
        metadata={_OPTION: Option(help, minimum, maximum, choices, metavar, secret, alone)},
    )


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: type
    repeatable: bool
    optional: bool
    default: Any
    option: Option

    @property
    def key(self) -> str:
        return self.name.replace("_", "-")

    def accepted(self) -> str:
        if isinstance(self.kind, type) and issubclass(self.kind, Enum):
            return " | ".join(str(member.value) for member in self.kind)
        if self.option.choices:
            return " | ".join(self.option.choices)
        if self.kind is bool:
            return "true | false"
        low, high = self.option.minimum, self.option.maximum
        name = {int: "a whole number", float: "a number", Path: "a path", str: "a text"}[self.kind]
        if low is not None and high is not None:
            return f"{name} from {low:g} to {high:g}"
        if low is not None:
            return f"{name}, {low:g} or more"
        return name if high is None else f"{name}, {high:g} or less"

    def parse(self, origin: str, value: Any) -> Any:
        """Convert one source's value; raises SettingError that names the origin and what is accepted."""
        if self.repeatable:
            parts = value if isinstance(value, list | tuple) else [part for part in str(value).split(",") if part]
            return tuple(self._parse_one(origin, part) for part in parts)
        return self._parse_one(origin, value)

    def _parse_one(self, origin: str, value: Any) -> Any:
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
        return "that" if self.option.secret else repr(value)

    def _convert(self, value: Any) -> Any:
        if self.kind is bool:
            return _to_bool(value)
        if isinstance(value, bool):
            raise TypeError
        if self.kind is str and not isinstance(value, str):
            raise TypeError
        if self.kind is int and isinstance(value, float):
            raise TypeError
        if self.kind is Path:
            return Path(value).expanduser()
        converted = self.kind(value)
        if isinstance(converted, float) and not math.isfinite(converted):
            raise ValueError
        return converted


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
        return value.lower() in _TRUE
    raise ValueError


@dataclass(frozen=True, slots=True)
class SettingRow:
    """What a reference page says of one setting."""

    key: str
    default: str
    accepted: str
    help: str


def describe_schema(schema: type) -> list[SettingRow]:
    """Return the settings that a schema declares, in its order."""
    return [_row(field) for field in _fields(schema)]


def _row(field: _Field) -> SettingRow:
    origin = " Environment or file only." if field.option.secret else ""
    repeatable = ", repeatable" if field.repeatable else ""
    default = "" if field.default in (None, ()) else _shown(field.default)
    return SettingRow(field.key, default, field.accepted() + repeatable, field.option.help + origin)


def _fields(schema: type) -> list[_Field]:
    hints = typing.get_type_hints(schema)
    return [_field(item, hints[item.name]) for item in dataclasses.fields(schema)]


def _field(item: dataclasses.Field[Any], hint: Any) -> _Field:
    optional = repeatable = False
    if isinstance(hint, types.UnionType):
        optional = True
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        repeatable = True
        hint = typing.get_args(hint)[0]
    return _Field(item.name, hint, repeatable, optional, item.default, item.metadata[_OPTION])


def load(
    schema: type[T],
    *,
    prefix: str,
    argv: Sequence[str],
    environ: Mapping[str, str],
    description: str,
) -> T:
    """Fill `schema` from the three sources; raises SettingError (argparse exits by itself for --help, --version)."""
    fields = _fields(schema)
    flags = _parse_flags(fields, prefix, argv, description)
    variables = _parse_environment(fields, prefix, environ)
    by_variable = variables.pop("config", None)
    config = flags.pop("config", by_variable)
    values = _parse_file(fields, prefix, Path(config)) if config else {}
    return schema(**{**values, **variables, **flags})


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> typing.NoReturn:
        raise SettingError("command line", f"{message}; --help lists all flags")


def _parse_flags(fields: list[_Field], prefix: str, argv: Sequence[str], description: str) -> dict[str, Any]:
    parser = _Parser(
        prog=f"interject-{prefix}",
        description=description,
        epilog=f"Each flag is also a variable INTERJECT_{prefix.upper()}_… and a key in the table [{prefix}] of the "
        "file given by --config. A flag overrides the environment, which overrides the file.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=package_version())
    parser.add_argument("--config", metavar="FILE", help="TOML file with settings")
    for field in fields:
        _add_flag(parser, field)
    parsed = vars(parser.parse_args(list(argv)))
    for field in fields:
        if field.option.secret and field.name in parsed:
            variable = f"INTERJECT_{prefix.upper()}_{field.name.upper()}"
            raise SettingError(f"--{field.key}", f"a secret on a command line can be seen by others; set {variable}")
    by_name = {field.name: field for field in fields}
    return {
        name: value if name == "config" else by_name[name].parse(f"--{by_name[name].key}", value)
        for name, value in parsed.items()
    }


def _add_flag(parser: argparse.ArgumentParser, field: _Field) -> None:
    flag = f"--{field.key}"
    default = "" if field.default in (None, (), "", False) else f" (default: {_shown(field.default)})"
    text = (field.option.help + default).replace("%", "%%")
    if field.option.secret:
        # Known to the parser only so that using it gets an answer that does not repeat the secret.
        parser.add_argument(flag, dest=field.name, help=argparse.SUPPRESS)
    elif field.kind is bool:
        action = argparse.BooleanOptionalAction if field.default else "store_true"
        parser.add_argument(flag, dest=field.name, action=action, help=text)
    elif field.repeatable:
        metavar = field.option.metavar or field.kind.__name__.upper()
        parser.add_argument(flag, dest=field.name, action="append", metavar=metavar, help=text)
    else:
        named = issubclass(field.kind, Enum) or field.option.choices
        metavar = field.option.metavar or (field.accepted() if named else field.kind.__name__.upper())
        if field.option.alone is None:
            parser.add_argument(flag, dest=field.name, metavar=metavar, help=text)
        else:
            parser.add_argument(flag, dest=field.name, metavar=metavar, help=text, nargs="?", const=field.option.alone)


def _shown(default: Any) -> str:
    return str(default.value) if isinstance(default, Enum) else str(default)


def _parse_environment(fields: list[_Field], prefix: str, environ: Mapping[str, str]) -> dict[str, Any]:
    start = f"INTERJECT_{prefix.upper()}_"
    by_variable = {start + field.name.upper(): field for field in fields}
    values: dict[str, Any] = {}
    for variable, value in environ.items():
        # Compose files and unit files hand on a variable that nobody set as an empty one.
        if not variable.startswith(start) or not value:
            continue
        if variable == start + "CONFIG":
            values["config"] = value
        elif variable in by_variable:
            field = by_variable[variable]
            values[field.name] = field.parse(variable, value)
        else:
            raise SettingError(variable, f"no such setting; there are {', '.join(sorted(by_variable))}")
    return values


def _tables_text(tables: set[str]) -> str:
    return ", ".join(f"[{table}]" for table in sorted(tables))


def _parse_file(fields: list[_Field], prefix: str, path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"--config {path}", f"cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"--config {path}", f"is no TOML ({error})") from None
    tables = {*_TABLES, prefix}
    for name, table in content.items():
        if name not in tables or not isinstance(table, dict):
            raise SettingError(f"{path} {name}", f"no such table; settings stand in {_tables_text(tables)}")
    table = content.get(prefix, {})
    by_key = {field.key: field for field in fields}
    values: dict[str, Any] = {}
    for key, value in table.items():
        origin = f"{path} [{prefix}] {key}"
        field = by_key.get(key.replace("_", "-"))
        if field is None:
            raise SettingError(origin, f"no such setting; there are {', '.join(sorted(by_key))}")
        values[field.name] = field.parse(origin, value)
    return values
