"""One schema for flags, environment and configuration file.

A frozen dataclass declares the settings of a process; `load` fills it. A flag overrides the environment, which
overrides the file, which overrides the default. With the prefix `stt`, the field `beam_size` is the flag
`--beam-size`, the variable `INTERJECT_STT_BEAM_SIZE` and the key `beam-size` in the table `[stt]` of the TOML file
named by `--config` or `INTERJECT_STT_CONFIG`.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import tomllib
import typing
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from wire import package_version
from wire.errors import SettingError
from wire.help_page import FIRST, HelpPage, group_of, metavar_of, text_of
from wire.setting_field import METADATA_KEY, Derived, Field, Option, Words, fields_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

T = TypeVar("T")

# One letter wrong in five, or a third of the name left out.
_LIKENESS = 0.75

# The tables of a file that all four processes share.
_TABLES = ("satellite", "stt", "llm", "tts")


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

    Types: str, int, float, bool, Path, an Enum with string values, a subclass of Words, each of these or None, and
    tuples of str, Path, int or Words (the flag is then repeatable; the environment separates with commas). `default`
    may be Derived. `alone` is what the flag means when no value follows it.
    """
    derived = default if isinstance(default, Derived) else None
    default = default if derived is None else derived.default
    said = Option(help, minimum, maximum, choices, metavar, secret, alone, derived)
    return dataclasses.field(default=default, repr=not secret, metadata={METADATA_KEY: said})


def refused(remedy: str) -> Any:
    """Declare a setting that another program has and this one has not: whoever gives it is told the remedy.

    Its type is None, and so is its value.
    """
    return dataclasses.field(
        default=None, init=False, repr=False, compare=False, metadata={METADATA_KEY: Option(remedy, refused=True)}
    )


@dataclass(frozen=True, slots=True)
class SettingRow:
    """What a reference page says of one setting."""

    key: str
    default: str
    accepted: str
    help: str
    group: str = ""


def describe_schema(schema: type) -> list[SettingRow]:
    """Return the settings that a schema accepts, group by group, in its order."""
    return [_row(field) for field in _by_group(fields_of(schema)) if not field.option.refused]


def describe_refused(schema: type) -> dict[str, str]:
    """Return the settings that a schema refuses, each with its remedy."""
    return {field.key: field.option.help for field in fields_of(schema) if field.option.refused}


def _row(field: Field) -> SettingRow:
    origin = " Environment or file only." if field.option.secret else ""
    repeatable = ", repeatable" if field.repeatable else ""
    default = "" if field.default in (None, ()) else _shown(field.default)
    return SettingRow(field.key, default, field.accepted() + repeatable, field.option.help + origin, group_of(field))


def _by_group(fields: Sequence[Field], first: Sequence[str] = ()) -> list[Field]:
    """Put those of a first evening first, then those of the first groups, then the rest group by group."""
    groups = list(dict.fromkeys([FIRST, *first, *(field.group for field in fields)]))
    return sorted(fields, key=lambda field: groups.index(group_of(field)))


def load(
    schema: type[T],
    *,
    prefix: str,
    argv: Sequence[str],
    environ: Mapping[str, str],
    description: str | HelpPage,
) -> T:
    """Fill `schema` from the three sources; raises SettingError (argparse exits by itself for --help, --version).

    `description` is what --help says of the program, or all that stands around the settings there.
    """
    fields = fields_of(schema)
    page = description if isinstance(description, HelpPage) else HelpPage(f"interject-{prefix}", description)
    flags = _parse_flags(fields, prefix, argv, page)
    variables = _parse_environment(fields, prefix, environ)
    by_variable = variables.pop("config", None)
    config = flags.pop("config", by_variable)
    values = _parse_file(fields, prefix, Path(config)) if config else {}
    values = {**values, **variables, **flags}
    for field in fields:
        if field.option.derived is not None and field.name not in values:
            values[field.name] = field.option.derived.rule(values)
    return schema(**values)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> typing.NoReturn:
        raise SettingError("command line", f"{message}; --help lists all flags")


def _parse_flags(fields: list[Field], prefix: str, argv: Sequence[str], page: HelpPage) -> dict[str, Any]:
    parser = _Parser(
        prog=page.program,
        usage=page.usage(),
        description=page.head(),
        epilog=page.foot(prefix),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=package_version())
    parser.add_argument("--config", metavar="FILE", help="TOML file with settings")
    groups: dict[str, argparse._ArgumentGroup] = {}
    for field in _by_group(fields, page.groups):
        title = group_of(field)
        if page.lists(field) and title and title not in groups:
            groups[title] = parser.add_argument_group(title)
        _add_flag(groups.get(title, parser), field, page)
    known, unknown = parser.parse_known_args(list(argv))
    if unknown:
        _refuse_unknown(unknown, [f"--{field.key}" for field in fields if not field.option.refused])
    parsed = vars(known)
    for field in fields:
        if field.option.secret and field.name in parsed:
            variable = f"INTERJECT_{prefix.upper()}_{field.name.upper()}"
            raise SettingError(f"--{field.key}", f"a secret on a command line can be seen by others; set {variable}")
    by_name = {field.name: field for field in fields}
    return {
        name: value if name == "config" else by_name[name].parse(f"--{by_name[name].key}", value)
        for name, value in parsed.items()
    }


def _refuse_unknown(unknown: Sequence[str], flags: Sequence[str]) -> typing.NoReturn:
    flag = unknown[0].partition("=")[0]
    raise SettingError(flag, f"no such flag; {_like(flag, flags, '--') or '--help lists them all'}")


def _like(name: str, names: Iterable[str], start: str) -> str:
    """Ask for what was meant, empty where nothing is like it; all names begin with `start`, which says nothing."""
    ends = [known.removeprefix(start) for known in names]
    close = difflib.get_close_matches(name.removeprefix(start), ends, cutoff=_LIKENESS)
    return f"did you mean {' or '.join(start + end for end in close)}?" if close else ""


def _add_flag(parser: argparse._ActionsContainer, field: Field, page: HelpPage) -> None:
    flag = f"--{field.key}"
    text = text_of(field).replace("%", "%%") if page.lists(field) else argparse.SUPPRESS
    if field.option.refused:
        # Known to the parser only so that using it gets its answer, however many values follow.
        parser.add_argument(flag, dest=field.name, nargs="*", help=text)
    elif field.option.secret:
        # Known to the parser only so that using it gets an answer that does not repeat the secret.
        parser.add_argument(flag, dest=field.name, help=text)
    elif field.kind is bool:
        action = argparse.BooleanOptionalAction if field.default else "store_true"
        parser.add_argument(flag, dest=field.name, action=action, help=text)
    elif issubclass(field.kind, Words):
        words = field.kind.WORDS
        fixed = len(words) == field.kind.REQUIRED
        # argparse shows a variable number of words by two names: of the first, and of those that may follow.
        shown = words if fixed else (words[0], " ".join(words[1:]))
        action = "append" if field.repeatable else "store"
        nargs = len(words) if fixed else "+"
        parser.add_argument(flag, dest=field.name, action=action, nargs=nargs, metavar=shown, help=text)
    elif field.repeatable:
        parser.add_argument(flag, dest=field.name, action="append", metavar=metavar_of(field), help=text)
    elif field.option.alone is None:
        parser.add_argument(flag, dest=field.name, metavar=metavar_of(field), help=text)
    else:
        alone = field.option.alone
        parser.add_argument(flag, dest=field.name, metavar=metavar_of(field), help=text, nargs="?", const=alone)


def _shown(default: Any) -> str:
    return str(default.value) if isinstance(default, Enum) else str(default)


def _parse_environment(fields: list[Field], prefix: str, environ: Mapping[str, str]) -> dict[str, Any]:
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
            raise SettingError(variable, f"no such setting; {_like_or_all(variable, by_variable, start)}")
    return values


def _like_or_all(name: str, fields: Mapping[str, Field], start: str) -> str:
    names = sorted(name for name, field in fields.items() if not field.option.refused)
    return _like(name, names, start) or f"there are {', '.join(names)}"


def _tables_text(tables: set[str]) -> str:
    return ", ".join(f"[{table}]" for table in sorted(tables))


def _parse_file(fields: list[Field], prefix: str, path: Path) -> dict[str, Any]:
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
            raise SettingError(origin, f"no such setting; {_like_or_all(key, by_key, '')}")
        values[field.name] = field.parse(origin, value)
    return values
