"""The program `interject-satellite`: a satellite, its doctor, its installation, or the list of its devices."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from interject.satellite.app.device import list_devices
from interject.satellite.app.run import run_satellite
from interject.satellite.settings import SatelliteSettings
from interject.satellite.settings.service import note_on_pipeline
from interject.wire.help_page import HelpPage
from interject.wire.logs import configure_logging
from interject.wire.process import run_to_end
from interject.wire.settings import load_and_tell

_LOGGER = logging.getLogger(__name__)

_PAGE = HelpPage(
    "interject-satellite",
    "Voice satellite that can be cut off mid-sentence.",
    {
        "doctor": "check microphone, loudspeaker and room, and say what can interrupt a reply there",
        "install-service": "run it, and the servers if wanted, as services of systemd",
        "ctl": "command one that runs: listen, stop, mute, volume, status, events",
        "health": "ask one that runs how it is",
        "why": "say in words why the last replies were cut, or were not",
    },
)


def run() -> int:
    """Run what the command line asks for, and return the exit status; raises InterjectError."""
    if sys.argv[1:2] == ["doctor"]:
        # A satellite that only runs starts sooner without it.
        from interject.satellite.doctor.command import run_doctor  # noqa: PLC0415

        return run_doctor(sys.argv[2:])
    if sys.argv[1:2] == ["install-service"]:
        from interject.satellite.systemd.command import run_install_service  # noqa: PLC0415 - as above

        return run_install_service(sys.argv[2:])
    loaded = load_and_tell(
        SatelliteSettings, prefix="satellite", argv=sys.argv[1:], environ=os.environ, description=_PAGE
    )
    settings = loaded.settings
    # Text mode shows by itself what fails; a log would come into the middle of a reply.
    level = logging.CRITICAL if settings.text else logging.INFO
    configure_logging(debug=settings.debug, log_format=settings.log_format, level=level)
    if settings.list_devices:
        sys.stdout.write(asyncio.run(list_devices()) + "\n")
    else:
        if (note := note_on_pipeline(loaded.given)) is not None:
            _LOGGER.info("%s", note)
        run_to_end(run_satellite(settings))
    return 0
