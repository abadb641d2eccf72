"""Start a satellite: `python -m satellite`, `interject-satellite`."""

from __future__ import annotations

import sys

from wire.extras import needing
from wire.process import exit_status


def main() -> int:
    """Run the satellite, or its doctor; returns the exit status."""
    return exit_status("interject-satellite", _run)


def _run() -> int:
    with needing("satellite"):
        from satellite.program import run  # noqa: PLC0415 - what is missing is told in a line
    return run()


if __name__ == "__main__":
    sys.exit(main())
