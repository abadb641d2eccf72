"""One schema for flags, environment and configuration file.

A frozen dataclass declares the settings of a process; `load` fills it. A flag overrides the environment, which
overrides the file, which overrides the default. With the prefix `stt`, the field `beam_size` is the flag
`--beam-size`, the variable `INTERJECT_STT_BEAM_SIZE` and the key `beam-size` in the table `[stt]`, or in that of its
group, `[stt.recognition]`, of the TOML file named by `--config` or `INTERJECT_STT_CONFIG`.
"""

from __future__ import annotations

import argparse
import dataclasses
import typing
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from interject import package_version
from interject.wire.errors import SettingError
from interject.wire.help_page import FIRST, HelpPage, group_of, metavar_of, text_of
from interject.wire.likeness import like
from interject.wire.setting_field import METADATA_KEY, Derived, Field, Option, Words, fields_of, offered
from interject.wire.settings_file import read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

_PREFIX = "INTERJECT_"
_HELP_ALL = "--help-all"
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
    may be Derived; where None is a value too, "none" and an empty text say so. `alone` is what the flag means when no
    value follows it. A class that says ENGINE declares what that engine alone has: giving one of its settings chooses
    the engine, if nothing else chooses one.
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
    table: str = ""
    expert: bool = False


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
    accepted, told = field.accepted() + repeatable, field.option.help + origin
    return SettingRow(field.key, default, accepted, told, group_of(field), field.table, field.expert)


def _by_group(fields: Sequence[Field], first: Sequence[str] = ()) -> list[Field]:
    """Put those of a first evening first, then those of the first groups, then the rest group by group.

    Groups of one engine stand after the group that chooses the engine.
    """
    groups = list(dict.fromkeys([FIRST, *first, *(field.group for field in fields)]))
    ranks = {group: float(rank) for rank, group in enumerate(groups)}
    for owned in (field for field in fields if field.engine is not None):
        ranks[owned.group] = ranks[_chooser(fields, owned).group] + 0.5
    return sorted(fields, key=lambda field: ranks[group_of(field)])


def _chooser(fields: Sequence[Field], owned: Field) -> Field:
    """Return the setting that chooses the engine which has another one."""
    return next(field for field in fields if field.kind is type(owned.engine))


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """Settings, and the names of those that some source gave; the others have their defaults."""

    settings: T
    given: frozenset[str]


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
    return load_and_tell(schema, prefix=prefix, argv=argv, environ=environ, description=description).settings


def load_and_tell(
    schema: type[T],
    *,
    prefix: str,
    argv: Sequence[str],
    environ: Mapping[str, str],
    description: str | HelpPage,
) -> Loaded[T]:
    """Do as `load`, and tell what was given."""
    fields = fields_of(schema)
    page = description if isinstance(description, HelpPage) else HelpPage(f"interject-{prefix}", description)
    flags = _parse_flags(fields, prefix, argv, page)
    variables = _parse_environment(fields, prefix, environ)
    by_variable = variables.pop("config", None)
    config = flags.pop("config", by_variable)
    in_file = read_file(fields, prefix, Path(config), {*_TABLES, prefix}) if config else {}
    values = {**in_file, **variables, **flags}
    given = frozenset(values)
    sources = (
        _Source(flags, lambda field: f"--{field.key}"),
        _Source(variables, lambda field: f"INTERJECT_{prefix.upper()}_{field.name.upper()}"),
        _Source(in_file, lambda field: f"{config} [{prefix}] {field.key}"),
    )
    values.update(_implied_engine(fields, sources))
    for field in fields:
        if field.option.derived is not None and field.name not in values:
            values[field.name] = field.option.derived.rule(values)
    return Loaded(schema(**values), given)


@dataclass(frozen=True, slots=True)
class _Source:
    """What one of the sources says, and how it writes a setting's name."""

    values: Mapping[str, Any]
    origin_of: Callable[[Field], str]


def _implied_engine(fields: Sequence[Field], sources: Sequence[_Source]) -> dict[str, Any]:
    """Return the engine that settings imply which it alone has, as a value of the field that chooses the engine.

    Of `sources` the first one that chooses or implies an engine counts, as a flag overrides the environment. A default
    that is written down implies nothing. Raises SettingError for settings that no one engine has.
    """
    owned = [field for field in fields if field.engine is not None]
    if not owned:
        return {}
    chooser = _chooser(fields, owned[0])
    implied: tuple[Enum | None, str] | None = None
    for source in sources:
        chosen = source.values.get(chooser.name)
        given = [field for field in owned if source.values.get(field.name, field.default) != field.default]
        stated = [(field.engine, source.origin_of(field)) for field in given]
        if chosen is not None:
            for engine, origin in [*stated, *([implied] if implied else [])]:
                _require_same(chooser, (engine, origin), (chosen, source.origin_of(chooser)))
            return {}
        if stated and implied is None:
            implied = stated[0]
            for other in stated[1:]:
                _require_same(chooser, other, implied)
    return {} if implied is None else {chooser.name: implied[0]}


def _require_same(chooser: Field, setting: tuple[Any, str], other: tuple[Any, str]) -> None:
    (engine, origin), (other_engine, other_origin) = setting, other
    if engine is not other_engine:
        raise SettingError(
            origin,
            f"it is for {engine.value}, and {other_origin} for {other_engine.value}; leave one of them out, or give "
            f"--{chooser.key} {engine.value}",
        )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> typing.NoReturn:
        raise SettingError("command line", f"{message}; --help-all lists all flags")


def _parse_flags(fields: list[Field], prefix: str, argv: Sequence[str], page: HelpPage) -> dict[str, Any]:
    page = dataclasses.replace(page, whole=_HELP_ALL in argv)
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
    parser.add_argument(_HELP_ALL, action="help", help="show the settings that hardly anybody needs too")
    groups: dict[str, argparse._ArgumentGroup] = {}
    for field in _by_group(fields, page.groups):
        title = group_of(field)
        if page.lists(field) and title and title not in groups:
            groups[title] = parser.add_argument_group(title)
        _add_flag(groups.get(title, parser), field, page)
    known, unknown = parser.parse_known_args(list(argv))
    if unknown:
        flag = unknown[0].partition("=")[0]
        raise SettingError(flag, f"no such flag; {like(flag, offered(fields), '--')}")
    parsed = vars(known)
    for field in fields:
        if field.option.secret and field.name in parsed:
            variable = f"{_PREFIX}{prefix.upper()}_{field.name.upper()}"
            raise SettingError(f"--{field.key}", f"a secret on a command line can be seen by others; set {variable}")
    by_name = {field.name: field for field in fields}
    return {
        name: value if name == "config" else by_name[name].parse(f"--{by_name[name].key}", value)
        for name, value in parsed.items()
    }


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
        action = argparse.BooleanOptionalAction if field.default or field.option.derived else "store_true"
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
    start = f"{_PREFIX}{prefix.upper()}_"
    starts = {f"{_PREFIX}{table.upper()}_" for table in (*_TABLES, prefix)}
    by_variable = {start + field.name.upper(): field for field in fields}
    values: dict[str, Any] = {}
    for variable, value in environ.items():
        # Compose files and unit files hand on a variable that nobody set as an empty one.
        if not variable.startswith(_PREFIX) or not value:
            continue
        if not variable.startswith(tuple(starts)):
            raise SettingError(variable, f"no such setting; they begin with {', '.join(sorted(starts))}")
        # Another process's, which looks at it itself.
        if not variable.startswith(start):
            continue
        if variable == start + "CONFIG":
            values["config"] = value
        elif variable in by_variable:
            field = by_variable[variable]
            values[field.name] = field.parse(variable, value)
        else:
            names = [key.replace("-", "_").upper() for key in offered(fields)]
            raise SettingError(variable, f"no such setting; {like(variable, names, start)}")
    return values
