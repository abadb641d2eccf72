"""The program `interject-satellite`: a satellite, its doctor, its installation, or the list of its devices."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from satellite.satellite import run_satellite
from satellite.settings import SatelliteSettings
from satellite.settings.service import note_on_pipeline
from satellite.sound import list_devices
from wire.logs import configure_logging
from wire.process import run_to_end
from wire.settings import load_and_tell

_LOGGER = logging.getLogger(__name__)

_DESCRIPTION = (
    "Voice satellite that can be cut off mid-sentence; as `doctor` it checks its microphone and loudspeaker, as "
    "`install-service` it becomes a service of systemd, as `ctl` it commands a satellite that runs, as `health` it "
    "asks one how it is."
)


def run() -> int:
    """Run what the command line asks for, and return the exit status; raises InterjectError."""
    if sys.argv[1:2] == ["doctor"]:
        # A satellite that only runs starts sooner without it.
        from satellite.doctor.command import run_doctor  # noqa: PLC0415

        return run_doctor(sys.argv[2:])
    if sys.argv[1:2] == ["install-service"]:
        from satellite.systemd.command import run_install_service  # noqa: PLC0415 - as above

        return run_install_service(sys.argv[2:])
    loaded = load_and_tell(
        SatelliteSettings, prefix="satellite", argv=sys.argv[1:], environ=os.environ, description=_DESCRIPTION
    )
    settings = loaded.settings
    configure_logging(debug=settings.debug, log_format=settings.log_format)
    if settings.list_devices:
        sys.stdout.write(asyncio.run(list_devices()) + "\n")
    else:
        if (note := note_on_pipeline(loaded.given)) is not None:
            _LOGGER.info("%s", note)
        run_to_end(run_satellite(settings))
    return 0
