"""Writes docs/records.md: every record of every process, from the classes."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from interject.satellite.records import conversation, device, home_assistant
from interject.satellite.simulator import records as simulator
from interject.servers import common
from interject.servers.llm import records as llm
from interject.servers.stt import records as stt
from interject.servers.tts import records as tts
from interject.wire.trace import Record

if TYPE_CHECKING:
    from types import ModuleType

PAGE = Path(__file__).resolve().parents[2] / "docs" / "records.md"
_HEAD = """# Records

Written by `python -m tools.generators.record_page` from the code. With `--trace-file` each is a line of JSON: `mono`
(the system's monotonic clock, s), `source` (the process), `type`, for the satellite `t` (its device's clock, s), and
these fields.
Hooks, the event service, the log and text mode are told of the same records. *Speech* names the fields that hold words
of the user or of the assistant. What a name ends with is the unit: `_ms`, `_s`, `_db`, `_dbfs`, `_hz`, `_ppm`.
"""
_MODULES: tuple[tuple[str, ModuleType], ...] = (
    ("Satellite: the conversation", conversation),
    ("Satellite: the room device", device),
    ("Satellite: Home Assistant", home_assistant),
    ("Satellite: the simulated room (`--audio simulated`)", simulator),
    ("STT server", stt),
    ("LLM bridge", llm),
    ("TTS server", tts),
    ("Every server", common),
)


def records_of(module: ModuleType) -> list[type[Record]]:
    """Return the records that a module declares, in its order."""
    classes = [item for item in vars(module).values() if isinstance(item, type) and issubclass(item, Record)]
    return [record for record in classes if record.__module__ == module.__name__ and "KIND" in vars(record)]


def render() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for title, module in _MODULES:
        parts.append(f"\n## {title}\n\n| type | when | fields | speech |\n|---|---|---|---|\n")
        parts += [_row(record) for record in records_of(module)]
    return "".join(parts)


def _row(record: type[Record]) -> str:
    told = ", ".join(f"`{field.name}` {_written(str(field.type))}" for field in fields(record))
    speech = ", ".join(f"`{name}`" for name in record.SPEECH)
    return f"| `{record.KIND}` | {_meaning(record)} | {told} | {speech} |\n"


def _written(annotation: str) -> str:
    return annotation.replace(" | ", " or ").replace("None", "null")


def _meaning(record: type[Record]) -> str:
    """Return what a class and those above it say, on one line."""
    said = [
        vars(kind).get("__doc__") or "" for kind in record.__mro__ if issubclass(kind, Record) and kind is not Record
    ]
    return " ".join(re.sub(r"\s+", " ", text).strip() for text in said).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
