"""Start a satellite: `python -m interject.satellite`, `interject-satellite`."""

from __future__ import annotations

import sys

from interject.wire.extras import needing
from interject.wire.process import exit_status


def main() -> int:
    """Run the satellite, its doctor or its service, or command one that runs; returns the exit status."""
    return exit_status("interject-satellite", _run)


def _run() -> int:
    if sys.argv[1:2] in (["ctl"], ["health"]):
        # A health check asks twice a minute: it loads nothing of what a satellite needs.
        from interject.satellite.control.ctl import run_ctl  # noqa: PLC0415

        return run_ctl(sys.argv[2:] if sys.argv[1] == "ctl" else [*sys.argv[2:], "health"])
    if sys.argv[1:2] == ["why"]:
        from interject.satellite.records.why import run_why  # noqa: PLC0415 - as above

        return run_why(sys.argv[2:])
    with needing("satellite"):
        from interject.satellite.app.program import run  # noqa: PLC0415 - what is missing is told in a line
    return run()


if __name__ == "__main__":
    sys.exit(main())
