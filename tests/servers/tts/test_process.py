"""The server as a process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.tts import Synthesize

from tests.servers.tts.harness import PATIENCE_S, check_marks, receive_until, say
from wire.client import connect

if TYPE_CHECKING:
    from pathlib import Path

# A server is gone two seconds after SIGTERM; the rest is for a busy machine.
STOP_S = 6


async def start(*flags: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "servers.tts", *flags, stderr=asyncio.subprocess.PIPE
    )


def listening_uri(trace: Path) -> str | None:
    for line in trace.read_text(encoding="utf-8").splitlines() if trace.exists() else []:
        record = json.loads(line)
        if record["type"] == "listening":
            return str(record["uri"])
    return None


async def listening_at(trace: Path) -> str:
    async with asyncio.timeout(PATIENCE_S):
        while (uri := listening_uri(trace)) is None:  # noqa: ASYNC110 - the file is all there is to wait for
            await asyncio.sleep(0.01)
    return uri


async def test_it_serves_a_plain_client_and_goes_on_sigterm_while_it_speaks(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    process = await start("--uri", "tcp://127.0.0.1:0", "--trace-file", str(trace))
    try:
        uri = await listening_at(trace)
        async with asyncio.timeout(PATIENCE_S), AsyncClient.from_uri(uri) as plain:
            await plain.write_event(Synthesize(text="Hello there.").event())
            types: list[str] = []
            while not types or types[-1] != "audio-stop":
                event = await plain.read_event()
                assert event is not None
                types.append(event.type)
            assert "audio-start" in types
        connection = await connect(uri)
        await connection.send(Event(type="no-such-event"))
        check_marks("Hello.", await say(connection, "Hello."))
        for _ in range(8):
            await connection.send(Synthesize(text="On and on and on it goes. " * 700).event())
        await receive_until(connection, "audio-chunk")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_S):
            assert await process.wait() == 0
        await connection.close()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--engine", "festival"], "espeak-ng | piper"),
        (["--voice", "xx_nobody"], "no voice 'xx_nobody'"),
        (["--speaking-rate", "9"], "80 to 450"),
    ],
)
async def test_a_mistake_in_a_flag_is_one_line_and_status_2(flags: list[str], told: str) -> None:
    process = await start("--uri", "tcp://127.0.0.1:0", *flags)
    _, log = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 2
    assert told in log.decode()
    assert log.decode().count("\n") == 1
