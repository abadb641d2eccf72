"""A record of what happened when, as JSON lines, comparable across the processes of one machine."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from interject.wire.errors import SettingError
from interject.wire.private_file import make_private_file

if TYPE_CHECKING:
    from pathlib import Path

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """Something that happened. Each kind is a frozen dataclass of its own; docs/records.md lists them all.

    KIND: its name in traces. SPEECH: the fields that hold words of the user or of the assistant.
    """

    KIND: ClassVar[str]
    SPEECH: ClassVar[tuple[str, ...]] = ()

    def fields(self) -> dict[str, Any]:
        """Return what is known of it, as JSON has it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class Trace(Protocol):
    """Takes records."""

    def emit(self, record: Record, t: float | None = None, /) -> None:
        """Record that something happened now; `t`: when, in seconds of the device's clock, where there is one."""


class NoTrace:
    """Records nothing."""

    def emit(self, _record: Record, _t: float | None = None, /) -> None:
        """Drop the record."""


class FileTrace:
    """Appends to a private file, a line a record: mono (the system's monotonic clock, s), source, type, and its fields.

    Raises SettingError when the file cannot be opened; a record that cannot be written is lost with a warning.
    """

    def __init__(self, path: Path, source: str) -> None:
        try:
            make_private_file(path)
            # Line buffering: a reader that follows the file sees each record whole, as it happens.
            self._file = path.open("a", buffering=1, encoding="utf-8")
        except OSError as error:
            raise SettingError("trace-file", f"{path} cannot be written ({error.strerror})") from None
        self._source = source
        self._failing = False

    def emit(self, record: Record, t: float | None = None) -> None:
        """Record that something happened now."""
        try:
            self._file.write(
                json.dumps({"mono": time.monotonic(), "source": self._source, **line_of(record, t)}) + "\n"
            )
        except OSError as error:
            if not self._failing:
                _LOGGER.warning("records are missing from the trace %s: %s", self._file.name, error)
            self._failing = True
            return
        if self._failing:
            _LOGGER.warning("the trace %s goes on", self._file.name)
        self._failing = False

    def close(self) -> None:
        """Close the file; what it could not take was warned of before."""
        with contextlib.suppress(OSError):
            self._file.close()


def line_of(record: Record, t: float | None = None) -> dict[str, Any]:
    """Return a record as a line of a trace has it: its type, its time where it has one, its fields."""
    return {"type": record.KIND, **({} if t is None else {"t": t}), **record.fields()}


def open_trace(path: Path | None, source: str) -> Trace:
    """Open a trace file, or a trace that records nothing when there is no path; raises SettingError."""
    return NoTrace() if path is None else FileTrace(path, source)
