"""The sub-command `health`."""

from __future__ import annotations

import os
import sys

from satellite.settings import SatelliteSettings
from wire.discovery import ServiceKind
from wire.health import report_health
from wire.settings import load

_DESCRIPTION = (
    "Ask the satellite that runs with the same settings how it does, and print a line. Status: 0 healthy, 1 not."
)


def run() -> int:
    """Ask, print, return the exit status; raises SettingError."""
    settings = load(
        SatelliteSettings, prefix="satellite", argv=sys.argv[2:], environ=os.environ, description=_DESCRIPTION
    )
    return report_health(settings.uri, ServiceKind.SATELLITE)
