"""What can go wrong with words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.satellite.frontend.errors import HearingError

if TYPE_CHECKING:
    from pathlib import Path


class WakeModelError(HearingError):
    """A word's model cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the wake word model {path} {reason}; replace the file, or listen for another word")
        self.path = path
        self.reason = reason
