"""Start the LLM bridge: `python -m servers.llm`."""

from __future__ import annotations

import sys

from servers.common import run_server
from servers.llm.service import serve
from servers.llm.settings import LlmSettings


def main() -> int:
    """Run the server; returns the exit status."""
    return run_server(
        LlmSettings,
        prefix="llm",
        description="LLM bridge: a Wyoming handle service over a chat model, with a history of what the user heard.",
        serve=serve,
    )


if __name__ == "__main__":
    sys.exit(main())
