"""Writes docs/settings.md: every setting of every process, from the schemas."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from interject.satellite.doctor.command import DoctorSettings
from interject.satellite.settings import SatelliteSettings
from interject.servers.llm.settings import LlmSettings
from interject.servers.stt.settings import SttSettings
from interject.servers.tts.settings import TtsSettings
from interject.wire.help_page import FIRST
from interject.wire.settings import describe_refused, describe_schema

if TYPE_CHECKING:
    from interject.wire.settings import SettingRow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
_HEAD = """# Settings

Written by `python -m tools.generators.settings_page` from the code. Each setting is a flag, a variable
(`INTERJECT_` + process + `_` + name) and a key in the process's table of the TOML file that `--config` names, or, for
who likes order, in the table of its group there (`[satellite.audio]`); a flag overrides the environment, which
overrides the file. `--help` leaves out what is marked *(experts)*; `--help-all` does not.
"""
_DOCTOR_HEAD = """
## Check-up: `interject-satellite doctor`

It takes all settings of the satellite, from the same places, and one of its own, which the satellite does not know: a
flag is the place for it.

"""
_TABLE_HEAD = "| setting | default | accepted | |\n|---|---|---|---|\n"
_REFUSED_HEAD = """
## Settings of wyoming-satellite that are gone

All others of its settings mean here what they mean there; these are answered with what takes their place, and so are
`stdio://` addresses, for which there are `tcp://` and `unix://`.

| setting | |
|---|---|
"""
_PROCESSES = (
    ("satellite", "Satellite", SatelliteSettings),
    ("stt", "STT server", SttSettings),
    ("llm", "LLM bridge", LlmSettings),
    ("tts", "TTS server", TtsSettings),
)


def render() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for prefix, title, schema in _PROCESSES:
        parts.append(f"\n## {title}: `[{prefix}]`, `INTERJECT_{prefix.upper()}_…`\n\n")
        for (group, table), rows in groupby(describe_schema(schema), key=_heading):
            place = f": `[{prefix}.{table}]`" if table else ""
            parts += [f"### {group}{place}\n\n", _TABLE_HEAD, *map(_row, rows), "\n"]
        parts[-1] = ""
    satellites = describe_schema(SatelliteSettings)
    own = [row for row in describe_schema(DoctorSettings) if row not in satellites]
    parts += [_DOCTOR_HEAD, _TABLE_HEAD, *map(_row, own)]
    parts.append(_REFUSED_HEAD)
    parts.extend(f"| `{key}` | {_cell(remedy)} |\n" for key, remedy in describe_refused(SatelliteSettings).items())
    return "".join(parts)


def _heading(row: SettingRow) -> tuple[str, str]:
    marked = f"{row.group} *(experts)*" if row.expert else row.group
    return marked, "" if row.group == FIRST else row.table


def _row(row: SettingRow) -> str:
    return f"| `{row.key}` | {_code(row.default)} | {_cell(row.accepted)} | {_cell(row.help)} |\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
