"""Start a satellite: `python -m satellite`, `interject-satellite`."""

from __future__ import annotations

import sys

from wire.extras import needing
from wire.process import exit_status


def main() -> int:
    """Run the satellite, its doctor or its health check; returns the exit status."""
    return exit_status("interject-satellite", _run)


def _run() -> int:
    with needing("satellite"):
        # What is missing is told in a line; and a check that a container makes twice a minute loads no model's library.
        if sys.argv[1:2] == ["health"]:
            from satellite.health import run  # noqa: PLC0415
        else:
            from satellite.program import run  # noqa: PLC0415
    return run()


if __name__ == "__main__":
    sys.exit(main())
