"""Start the LLM bridge: `python -m interject.servers.llm`."""

from __future__ import annotations

import sys

from interject.servers.common import run_server
from interject.servers.llm.forget import run_forget
from interject.servers.llm.service import serve
from interject.servers.llm.settings import LlmSettings
from interject.wire.process import exit_status

_FORGET = "forget"


def main() -> int:
    """Run the server, or forget what was said; returns the exit status."""
    if sys.argv[1:2] == [_FORGET]:
        return exit_status(f"interject-llm {_FORGET}", lambda: run_forget(sys.argv[2:]))
    return run_server(
        LlmSettings,
        prefix="llm",
        description="LLM bridge: a Wyoming handle service over a chat model, with a history of what the user heard; "
        f"`interject-llm {_FORGET}` deletes it.",
        serve=serve,
    )


if __name__ == "__main__":
    sys.exit(main())
