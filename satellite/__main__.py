"""Start a satellite: `python -m satellite`, `interject-satellite`."""

from __future__ import annotations

import sys

from wire.extras import ExtraMissingError, needing


def main() -> int:
    """Run the satellite, or its doctor; returns the exit status."""
    try:
        with needing("satellite"):
            from satellite.program import run  # noqa: PLC0415 - what is missing is told in a line
    except ExtraMissingError as error:
        sys.stderr.write(f"interject-satellite: {error}\n")
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
