"""The speech-to-text process: `python -m interject.servers.stt`, `interject-stt`."""

from __future__ import annotations

import sys

from interject.servers.common import run_server
from interject.servers.stt.settings import SttSettings
from interject.wire.extras import needing


async def _serve(settings: SttSettings) -> None:
    with needing("stt"):
        from interject.servers.stt.service import serve  # noqa: PLC0415 - the help needs no extra
    await serve(settings)


def main() -> int:
    """Run the process; returns its exit status."""
    return run_server(SttSettings, "stt", "Speech to text for voice satellites, by Wyoming.", _serve)


if __name__ == "__main__":
    sys.exit(main())
