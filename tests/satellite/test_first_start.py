"""What a satellite says that was just started, and has no Home Assistant or no servers yet."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import sys
from typing import TYPE_CHECKING

from wyoming.info import Describe, Info

from interject.wire.client import connect
from tests.satellite.audio.programs import loudspeaker, microphone
from tests.satellite.test_former_flags import TUTORIAL, WAKE
from tools.harness.processes import free_uri
from tools.testing.patience import eventually, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.wire.client import Connection


@contextlib.asynccontextmanager
async def started(log: Path, *flags: str, path: str = os.environ["PATH"]) -> AsyncIterator[None]:
    """Run a satellite in the simulated room, its log in a file; `flags` have the last word."""
    with log.open("wb") as told:
        room = ("--audio", "simulated", "--uri", "tcp://127.0.0.1:0", "--control-socket", "none")
        command = (sys.executable, "-m", "interject.satellite", *room, *flags)
        process = await asyncio.create_subprocess_exec(*command, stderr=told, env={**os.environ, "PATH": path})
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


async def test_the_tutorials_command_line_of_wyoming_satellite_waits_for_home_assistant_and_says_why(
    tmp_path: Path,
) -> None:
    """As it stands, but for ports, which this machine may have in use."""
    programs = tmp_path / "bin"
    programs.mkdir()
    # As the tutorial calls them, and with the sound of a card that hears nothing.
    for name, program in (("arecord", microphone()), ("aplay", loudspeaker(tmp_path / "played"))):
        (programs / name).write_text(f'#!/bin/sh\necho "$@" >{tmp_path / name}\nexec {program}\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    uri, log = free_uri(), tmp_path / "log"
    flags = shlex.split(f"{TUTORIAL} {WAKE} --no-zeroconf --audio device".replace("tcp://0.0.0.0:10700", uri))
    async with started(log, *flags, path=f"{programs}:{os.environ['PATH']}"):
        await eventually((tmp_path / "played").exists, "the loudspeaker's program to run")
        await eventually(lambda: b"Waiting for Home Assistant" in log.read_bytes(), "the satellite to say so")
        async with expecting("the satellite to describe itself"), closing_connection(uri) as connection:
            await connection.send(Describe().event())
            info = Info.from_event(await connection.receive())
    said = log.read_text(encoding="utf-8")
    assert "started as wyoming-satellite is" in said
    assert "--pipeline direct" in said
    assert info.satellite is not None
    assert info.satellite.name == "my satellite"
    assert info.satellite.active_wake_words == ["ok_nabu"]
    assert "plughw:CARD=seeed2micvoicec,DEV=0 -r 16000 -c 1 -f S16_LE -t raw" in (tmp_path / "arecord").read_text()
    assert "plughw:CARD=seeed2micvoicec,DEV=0 -r 22050 -c 1 -f S16_LE -t raw" in (tmp_path / "aplay").read_text()


@contextlib.asynccontextmanager
async def closing_connection(uri: str) -> AsyncIterator[Connection]:
    connection = await connect(uri)
    try:
        yield connection
    finally:
        await connection.close()
