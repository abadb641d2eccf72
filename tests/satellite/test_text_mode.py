"""Text mode reads from whatever standard input is."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from wyoming.info import Describe

from tests.patience import eventually, expecting, showing
from wire.client import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

# The discard port: nothing listens there.
_NOWHERE = "tcp://127.0.0.1:9"


@asynccontextmanager
async def _satellite(
    stdin: TextIO | int, tmp_path: Path, uri: str = "tcp://127.0.0.1:0"
) -> AsyncIterator[asyncio.subprocess.Process]:
    servers = [part for kind in ("stt", "llm", "tts") for part in (f"--{kind}-uri", _NOWHERE)]
    log = tmp_path / "satellite.log"
    with showing(lambda: [log]), log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "satellite", "--text", "--no-zeroconf", "--uri", uri, *servers,
            stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=stderr,
        )  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


async def _until_it_ends(process: asyncio.subprocess.Process, typed: bytes | None = None) -> tuple[int | None, str]:
    async with expecting("the satellite to end when there is no more to read"):
        out, _ = await process.communicate(typed)
    return process.returncode, out.decode()


async def test_it_ends_where_there_is_nothing_to_read(tmp_path: Path) -> None:
    async with _satellite(asyncio.subprocess.DEVNULL, tmp_path) as process:
        status, shown = await _until_it_ends(process)
    assert status == 0
    assert shown == "> "


async def test_a_file_is_typed_line_by_line_and_its_failures_are_shown(tmp_path: Path) -> None:
    questions = tmp_path / "questions.txt"
    questions.write_text("what time is it\n", encoding="utf-8")
    with questions.open(encoding="utf-8") as stdin:
        async with _satellite(stdin, tmp_path) as process:
            status, shown = await _until_it_ends(process)
    assert status == 0
    assert f"server: cannot connect to {_NOWHERE}" in shown


async def test_a_line_without_an_end_is_refused(tmp_path: Path) -> None:
    async with _satellite(asyncio.subprocess.PIPE, tmp_path) as process:
        status, shown = await _until_it_ends(process, b"x" * 200_000 + b"\n")
    assert status == 0
    assert "that line is too long" in shown


async def test_it_goes_away_when_told_while_it_waits_for_a_line(tmp_path: Path) -> None:
    uri = f"unix://{tmp_path}/satellite.sock"
    async with _satellite(asyncio.subprocess.PIPE, tmp_path, uri) as process:
        log = tmp_path / "satellite.log"
        await eventually(lambda: b"Ready at" in log.read_bytes(), "the satellite to be ready")
        connection = await connect(uri)
        await connection.send(Describe().event())
        async with expecting("the satellite to describe itself"):
            await connection.receive()
        await connection.close()
        process.terminate()
        async with expecting("the satellite to end when it is told to"):
            assert await process.wait() == 0
