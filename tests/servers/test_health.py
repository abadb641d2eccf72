"""`interject-… health` asks the server that runs with the same settings, as a container's health check does."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.processes.house import ROOT, servers, started

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def health(module: str, variable: str, uri: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", module, "health"],
        cwd=ROOT, env={**os.environ, variable: uri}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_each_server_is_asked_for_what_it_does(tmp_path: Path) -> None:
    running = servers(tmp_path, {})
    with started(running):
        for name, server in running.items():
            status, told = health(f"interject.servers.{name}", f"INTERJECT_{name.upper()}_URI", server.uri)
            assert status == 0, told
            assert told.startswith("healthy: ")
        status, told = health("interject.servers.stt", "INTERJECT_STT_URI", running["llm"].uri)
        assert (status, told) == (1, f"not healthy: {running['llm'].uri} answers, and offers llm, not stt\n")
    status, told = health("interject.servers.llm", "INTERJECT_LLM_URI", running["llm"].uri)
    assert status == 1
    assert told.startswith(f"not healthy: cannot connect to {running['llm'].uri}")
