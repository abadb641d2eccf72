"""Settings that only the check-up has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from interject.satellite.settings import SatelliteSettings
from interject.wire.settings import option


# No slots: neither has what it inherits from.
@dataclass(frozen=True)
class DoctorSettings(SatelliteSettings):
    """Those of the satellite, and the check-up's own."""

    GROUP: ClassVar[str] = "Check-up"
    TABLE: ClassVar[str] = "check-up"

    record: Path | None = option(
        None, "folder that keeps what was played and heard, a recording of the room", metavar="DIR"
    )
