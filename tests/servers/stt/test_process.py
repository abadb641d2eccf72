"""The process as a user starts it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

import ctranslate2
import pytest
from wyoming.info import Describe, Info

from tests.servers.stt.harness import ask, clip, connected
from tools.testing.patience import eventually, expecting, show

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@contextlib.asynccontextmanager
async def started(trace: Path, *flags: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "interject.servers.stt",
            "--uri",
            "tcp://127.0.0.1:0",
            "--trace-file",
            str(trace),
            *flags,
        ),
        env={**os.environ, **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    except BaseException as error:
        show(error, [trace])
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


def records(trace: Path, kind: str) -> list[dict[str, object]]:
    lines = trace.read_text().splitlines() if trace.exists() else []
    return [record for line in lines if (record := json.loads(line))["type"] == kind]


async def listening(trace: Path) -> str:
    found = await eventually(lambda: records(trace, "listening"), "the server to listen")
    return str(found[0]["uri"])


async def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, tiny_model: Path) -> None:
    trace = tmp_path / "trace"
    async with (
        started(trace, "--engine", "faster-whisper", "--model", str(tiny_model), "--cpu-threads", "1") as process,
        connected(await listening(trace)) as connection,
    ):
        assert (await ask(connection, clip("stop"))).text == "turn on the light"
        process.send_signal(signal.SIGTERM)
        async with expecting("the server to end when it is told to"):
            assert await process.wait() == 0
    assert [record["text"] for record in records(trace, "transcript")] == ["turn on the light"]


@contextlib.asynccontextmanager
async def hub(status: str) -> AsyncIterator[str]:
    """Give the address of a model hub that answers everything alike."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def test_a_model_that_the_hub_does_not_have_ends_the_server(tmp_path: Path) -> None:
    flags = ("--model", "nobody/nothing", "--data-dir", str(tmp_path))
    async with (
        hub("404 Not Found\r\nx-error-code: RepoNotFound") as address,
        started(tmp_path / "trace", *flags, HF_ENDPOINT=address) as process,
        expecting("the server to end"),
    ):
        _, said = await process.communicate()
    assert process.returncode == 2
    assert said.decode().splitlines()[-1] == (
        f"interject-stt: the model 'nobody/nothing' is not at {address}; check --model, or give --model the folder "
        "that it is in"
    )


async def test_a_hub_that_is_away_is_waited_for(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    async with (
        hub("503 Service Unavailable") as address,
        started(trace, "--model", "tiny", "--data-dir", str(tmp_path), HF_ENDPOINT=address),
        connected(await listening(trace)) as connection,
    ):
        refused = await ask(connection, clip("stop"))
        assert refused.error is not None
        assert f"cannot be downloaded from {address}" in refused.error.text
        assert "check that this machine reaches it" in refused.error.text


async def test_a_model_hub_that_swallows_everything_hangs_nobody(tmp_path: Path) -> None:
    """Requests are answered in time, other events at once, and the process can be stopped."""
    open_streams: list[asyncio.StreamWriter] = []
    hole = await asyncio.start_server(lambda _, writer: open_streams.append(writer), "127.0.0.1", 0)
    address = f"http://127.0.0.1:{hole.sockets[0].getsockname()[1]}"
    trace = tmp_path / "trace"
    flags = ("--engine", "faster-whisper", "--model", "tiny", "--load-timeout-s", "1", "--data-dir", str(tmp_path))
    async with started(trace, *flags, HF_ENDPOINT=address) as process:
        async with connected(await listening(trace)) as connection:
            refused = await ask(connection, clip("stop"))
            assert refused.error is not None
            assert refused.error.code == "model-unavailable"
            assert "within 1 s" in refused.error.text
            await connection.send(Describe().event())
            (program,) = Info.from_event(await connection.receive()).asr
            assert not program.models[0].installed
        process.send_signal(signal.SIGTERM)
        async with expecting("the server to end while its model is still being asked for"):
            assert await process.wait() == 0
    for writer in open_streams:
        writer.close()
    hole.close()
    await hole.wait_closed()


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--engine", "shouting"), "pocketsphinx | faster-whisper"),
        (("--beam-size", "-1"), "--beam-size"),
        (("--device", "abacus"), "auto | cuda | cpu"),
        (("--engine", "pocketsphinx", "--model", "small"), "--model: it is for faster-whisper"),
        (("--model", "smal-int8"), "did you mean small-int8"),
        (("--model", "tiny", "--data-dir", "/nowhere", "--local-files-only"), "without --local-files-only"),
        pytest.param(
            ("--model", "tiny", "--device", "cuda"),
            "--device cuda: there is no CUDA device",
            marks=pytest.mark.skipif(ctranslate2.get_cuda_device_count() > 0, reason="this machine has CUDA"),
        ),
    ],
)
async def test_what_can_never_work_is_one_line_and_no_service(
    tmp_path: Path, flags: tuple[str, ...], named: str
) -> None:
    async with started(tmp_path / "trace", *flags) as process:
        async with expecting("the server to refuse its settings"):
            _, said = await process.communicate()
        assert process.returncode == 2
    assert named in said.decode()
    assert len(said.decode().splitlines()) == 1
