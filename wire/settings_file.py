"""Settings from a TOML file: a table for each process, and in it one for each group of settings, for who likes that."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from interject.wire.errors import SettingError
from interject.wire.likeness import like
from interject.wire.setting_field import offered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from interject.wire.setting_field import Field


def _tables_text(tables: Iterable[str], prefix: str = "") -> str:
    return ", ".join(f"[{prefix}.{table}]" if prefix else f"[{table}]" for table in sorted(tables))


def read_file(fields: Sequence[Field], prefix: str, path: Path, tables: set[str]) -> dict[str, Any]:
    """Return the settings that a file has for a process; raises SettingError, also for a table not in `tables`.

    `tables` are those of all processes, which share a file; `prefix` is the one that is read.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"--config {path}", f"cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"--config {path}", f"is no TOML ({error})") from None
    for name, table in content.items():
        if name not in tables or not isinstance(table, dict):
            raise SettingError(f"{path} {name}", f"no such table; settings stand in {_tables_text(tables)}")
    return dict(_read_table(content.get(prefix, {}), fields, f"{path} [{prefix}", prefix))


def _read_table(
    table: Mapping[str, Any], fields: Sequence[Field], origin: str, prefix: str
) -> Iterator[tuple[str, Any]]:
    """Give the settings of a process's table and of the groups in it; `origin` is what an error begins with."""
    by_key = {field.key: field for field in fields}
    tables = sorted({field.table for field in fields if field.table})
    values: dict[str, str] = {}
    for name, value in table.items():
        grouped = isinstance(value, dict)
        if grouped and name not in tables:
            raise SettingError(f"{origin}.{name}]", f"no such group; there are {_tables_text(tables, prefix)}")
        for key, one in value.items() if grouped else ((name, value),):
            where = f"{origin}.{name}] {key}" if grouped else f"{origin}] {key}"
            field = by_key.get(key.replace("_", "-"))
            if field is None:
                # A file names no further one.
                names = offered(fields)[1:]
                raise SettingError(where, f"no such setting; {like(key.replace('_', '-'), names)}")
            if grouped and field.table != name:
                raise SettingError(where, f"it is not of that group; write it in [{prefix}.{field.table}]")
            if field.name in values:
                raise SettingError(where, f"it stands in the file already, at {values[field.name]}; leave one out")
            values[field.name] = where
            yield field.name, field.parse(where, one)
