"""What can go wrong in a check-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from pathlib import Path


class NotMeasuredError(InterjectError):
    """The check-up could not be carried through."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"nothing could be measured: {reason}; {remedy}")
        self.reason = reason
        self.remedy = remedy


class NotRecordedError(InterjectError):
    """A recording cannot be kept."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"nothing can be recorded in {folder}: {reason}; give another folder with --record")
        self.folder = folder
        self.reason = reason
