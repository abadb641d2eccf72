"""What the bridge remembers of whom, over restarts, until it is told to forget."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.processes.house import ROOT, House, servers, started
from tools.testing.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
_NOTHING = "You have not said anything before this."


def typed(house: House, line: str, *flags: str) -> str:
    """Type a line to a satellite of these servers; returns what it showed."""
    uris = [part for name, server in house.items() for part in (f"--{name}-uri", server.uri)]
    command = [sys.executable, "-m", "interject.satellite", "--text", "--no-zeroconf", *uris, *flags]
    done = subprocess.run(
        command, cwd=ROOT, input=f"{line}\n", capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    return done.stdout


def test_each_satellite_has_its_own_conversation_until_it_is_forgotten(tmp_path: Path) -> None:
    running = servers(tmp_path, {"llm": ("--offline-words-per-second", "1000")})
    place = ("--uri", f"unix://{tmp_path}/satellite")
    kitchen, hall = (("--name", name, *place) for name in ("kitchen", "hall"))
    forget = [
        sys.executable,
        "-m",
        "interject.servers.llm",
        "forget",
        "--all",
        "--store",
        str(tmp_path / "conversations.sqlite3"),
    ]
    with started(running):
        typed(running, "good morning", *kitchen)
        assert _NOTHING in typed(running, "what did i say", *hall)
        assert "You said: good morning" in typed(running, "what did i say", *kitchen)
        forgotten = subprocess.run(forget, capture_output=True, text=True, check=True, cwd=ROOT)
        assert "3 questions" in forgotten.stdout
        assert _NOTHING in typed(running, "what did i say", *kitchen)
