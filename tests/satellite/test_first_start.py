"""What a satellite says that was just started, and has no Home Assistant or no servers yet."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

from tests.patience import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@contextlib.asynccontextmanager
async def started(log: Path, *flags: str) -> AsyncIterator[None]:
    """Run a satellite in the simulated room, its log in a file."""
    with log.open("wb") as told:
        room = ("--audio", "simulated", "--uri", "tcp://127.0.0.1:0", "--control-socket", "none")
        command = (sys.executable, "-m", "satellite", *room, *flags)
        process = await asyncio.create_subprocess_exec(*command, stderr=told)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def test_it_says_that_it_waits_for_home_assistant_and_where_to_add_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with started(log, "--pipeline", "home-assistant", "--no-zeroconf"):
        await eventually(lambda: b"Waiting for Home Assistant" in log.read_bytes(), "the satellite to say so")
    assert b"Wyoming Protocol" in log.read_bytes()


async def test_where_no_server_answers_it_names_home_assistant_as_well(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with started(log, "--no-zeroconf"):
        await eventually(lambda: b"no stt server answered" in log.read_bytes(), "the satellite to miss a server")
    assert b"--pipeline home-assistant" in log.read_bytes()
