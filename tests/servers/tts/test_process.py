"""The server as a process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING

import onnxruntime
import pytest
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.tts import Synthesize

from interject.wire.client import connect
from tests.servers.tts.harness import check_marks, receive_until, say
from tests.servers.tts.tiny_voice import write_voice
from tools.testing.patience import eventually, expecting, showing

if TYPE_CHECKING:
    from pathlib import Path


_CUDA = "CUDAExecutionProvider"


async def start(*flags: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "interject.servers.tts", *flags, stderr=asyncio.subprocess.PIPE
    )


def listening_uri(trace: Path) -> str | None:
    for line in trace.read_text(encoding="utf-8").splitlines() if trace.exists() else []:
        record = json.loads(line)
        if record["type"] == "listening":
            return str(record["uri"])
    return None


async def listening_at(trace: Path) -> str:
    return str(await eventually(lambda: listening_uri(trace), "the server to listen"))


async def test_it_serves_a_plain_client_and_goes_on_sigterm_while_it_speaks(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    process = await start("--uri", "tcp://127.0.0.1:0", "--trace-file", str(trace))
    try:
        with showing(lambda: [trace]):
            await serves_a_plain_client_and_goes_while_it_speaks(process, trace)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def serves_a_plain_client_and_goes_while_it_speaks(process: asyncio.subprocess.Process, trace: Path) -> None:
    uri = await listening_at(trace)
    async with expecting("the server to speak to a plain client"), AsyncClient.from_uri(uri) as plain:
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
    async with expecting("the server to end while it speaks"):
        assert await process.wait() == 0
    await connection.close()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--engine", "festival"], "espeak-ng | piper"),
        (["--voice", "xx_nobody"], "no voice 'xx_nobody'"),
        (["--speaking-rate", "9"], "80 to 450"),
        (["--engine", "espeak-ng", "--voice", "en_US-lessac-medium"], "that is a voice of piper: --engine piper"),
        (["--engine", "espeak-ng", "--use-cuda"], "--use-cuda: it is for piper, and --engine for espeak-ng"),
        (["--engine", "piper", "--voice", "en-gb"], "that is a voice of espeak-ng: --engine espeak-ng"),
        (["--engine", "piper", "--voice", "nosuch"], "those to download have names such as en_US-lessac-medium"),
        (["--voice", "en_US-none-low", "--local-files-only"], "--local-files-only forbids a download"),
        (["--voice", "en_US-none-low", "--download-dir", "/proc/nowhere"], "give another --download-dir"),
        pytest.param(
            ["--use-cuda", "--voice", "en_US-lessac-medium"],
            "computes on the CPU alone; put a build with CUDA in its place (onnxruntime-gpu",
            marks=pytest.mark.skipif(_CUDA in onnxruntime.get_available_providers(), reason="it can use CUDA"),
        ),
    ],
)
async def test_what_can_never_work_is_one_line_and_status_2(flags: list[str], told: str) -> None:
    process = await start("--uri", "tcp://127.0.0.1:0", *flags)
    async with expecting("the server to refuse its settings"):
        _, log = await process.communicate()
    assert process.returncode == 2
    assert told in log.decode().splitlines()[-1]
    assert "Traceback" not in log.decode()


async def test_a_broken_voice_is_one_line_and_no_service(tmp_path: Path) -> None:
    write_voice(tmp_path, "en_US-bad-low").write_bytes(b"no model")
    process = await start("--uri", "tcp://127.0.0.1:0", "--voice", "en_US-bad-low", "--data-dir", str(tmp_path))
    async with expecting("the server to refuse its voice"):
        _, log = await process.communicate()
    assert process.returncode == 2
    assert "Ready" not in log.decode()
    assert f"the voice {tmp_path}/en_US-bad-low.onnx cannot be loaded" in log.decode().splitlines()[-1]
