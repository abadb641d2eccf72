"""Records of the connection to Home Assistant, and of its runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from interject.wire.trace import Record


@dataclass(frozen=True, slots=True)
class Connected(Record):
    """Home Assistant is there."""

    KIND: ClassVar[str] = "connected"

    uri: str


@dataclass(frozen=True, slots=True)
class Disconnected(Record):
    """Home Assistant is gone."""

    KIND: ClassVar[str] = "disconnected"

    uri: str


@dataclass(frozen=True, slots=True)
class RunBegun(Record):
    """A run of Home Assistant's pipeline was begun with the audio of these streams."""

    KIND: ClassVar[str] = "ha-run"

    run: int
    streams: list[int]


@dataclass(frozen=True, slots=True)
class RunRetried(Record):
    """A run that Home Assistant did not hear is begun anew."""

    KIND: ClassVar[str] = "ha-retry"

    run: int


@dataclass(frozen=True, slots=True)
class NullRunSent(Record):
    """Home Assistant was made to end whatever it did for us."""

    KIND: ClassVar[str] = "ha-null-run"


@dataclass(frozen=True, slots=True)
class RunHeard(Record):
    """Home Assistant takes the audio of a run."""

    KIND: ClassVar[str] = "ha-transcribe"

    run: int


@dataclass(frozen=True, slots=True)
class RunUnderstood(Record):
    """What Home Assistant understood."""

    KIND: ClassVar[str] = "ha-transcript"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    run: int
    text: str


@dataclass(frozen=True, slots=True)
class RunAnswered(Record):
    """The text of Home Assistant's answer."""

    KIND: ClassVar[str] = "ha-text"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    epoch: int | None
    text: str


@dataclass(frozen=True, slots=True)
class RunSpoken(Record):
    """All speech of a run has come."""

    KIND: ClassVar[str] = "ha-spoken"

    run: int


@dataclass(frozen=True, slots=True)
class ErrorReported(Record):
    """Home Assistant reports an error, of a run where it is of one."""

    KIND: ClassVar[str] = "error"

    code: str
    text: str
    run: int | None = None
