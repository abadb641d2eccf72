"""Text mode reads from whatever standard input is."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, TextIO

from wyoming.info import Describe

from wire.client import connect
from wire.errors import WireError

if TYPE_CHECKING:
    from pathlib import Path

# Starting takes a second or two on a loaded machine; a satellite that hangs takes for ever.
_WAIT_S = 30.0
# The discard port: nothing listens there.
_NOWHERE = "tcp://127.0.0.1:9"


async def _satellite(stdin: TextIO | int, uri: str = "tcp://127.0.0.1:0") -> asyncio.subprocess.Process:
    servers = [part for kind in ("stt", "llm", "tts") for part in (f"--{kind}-uri", _NOWHERE)]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "satellite", "--text", "--no-zeroconf", "--uri", uri, *servers,
        stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def _until_it_ends(process: asyncio.subprocess.Process, typed: bytes | None = None) -> tuple[int | None, str]:
    async with asyncio.timeout(_WAIT_S):
        out, _ = await process.communicate(typed)
    return process.returncode, out.decode()


async def test_it_ends_where_there_is_nothing_to_read() -> None:
    status, shown = await _until_it_ends(await _satellite(asyncio.subprocess.DEVNULL))
    assert status == 0
    assert shown == "> "


async def test_a_file_is_typed_line_by_line_and_its_failures_are_shown(tmp_path: Path) -> None:
    questions = tmp_path / "questions.txt"
    questions.write_text("what time is it\n", encoding="utf-8")
    with questions.open(encoding="utf-8") as stdin:
        status, shown = await _until_it_ends(await _satellite(stdin))
    assert status == 0
    assert f"server: cannot connect to {_NOWHERE}" in shown


async def test_a_line_without_an_end_is_refused() -> None:
    process = await _satellite(asyncio.subprocess.PIPE)
    status, shown = await _until_it_ends(process, b"x" * 200_000 + b"\n")
    assert status == 0
    assert "that line is too long" in shown


async def test_it_goes_away_when_told_while_it_waits_for_a_line(tmp_path: Path) -> None:
    uri = f"unix://{tmp_path}/satellite.sock"
    process = await _satellite(asyncio.subprocess.PIPE, uri)
    try:
        async with asyncio.timeout(_WAIT_S):
            await _answering(uri)
            process.terminate()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _answering(uri: str) -> None:
    while True:
        try:
            connection = await connect(uri)
        except WireError:
            await asyncio.sleep(0.05)
            continue
        await connection.send(Describe().event())
        await connection.receive()
        await connection.close()
        return
