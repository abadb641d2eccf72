"""A real process that serves is gone when it is told to stop, whatever it is doing."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from wyoming.event import Event

from interject.wire.client import connect
from interject.wire.errors import PeerGoneError
from tools.testing.patience import PATIENCE_S, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def program(uri: str, grace_s: float | None = None) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.wire.programs",
        uri,
        *([] if grace_s is None else [str(grace_s)]),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with expecting("the program to listen"):
            listening = (await process.stdout.readline()).decode().strip()
        yield process, listening
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def ends(process: asyncio.subprocess.Process) -> None:
    async with expecting("the program to end when it is told to"):
        assert await process.wait() == 0


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_service_ends_with_status_0_and_takes_its_socket_file_along(
    signal_number: signal.Signals, tmp_path: Path
) -> None:
    async with program(f"unix://{tmp_path}/s") as (process, uri):
        connection = await connect(uri)
        process.send_signal(signal_number)
        await ends(process)
        with pytest.raises(PeerGoneError):
            await connection.receive()
        await connection.close()
        assert not (tmp_path / "s").exists()


async def test_short_work_is_finished_first() -> None:
    async with program("tcp://127.0.0.1:0", grace_s=PATIENCE_S) as (process, uri):
        connection = await connect(uri)
        await connection.send(Event("work"))
        assert (await connection.receive()).type == "started"
        process.send_signal(signal.SIGTERM)
        await connection.send(Event("finish"))
        assert (await connection.receive()).type == "done"
        await ends(process)
        await connection.close()


@pytest.mark.parametrize("work", [{}, {"thread": True}], ids=["task", "thread"])
async def test_long_work_is_cut_off_even_in_a_thread_that_hangs(work: dict[str, Any]) -> None:
    async with program("tcp://127.0.0.1:0") as (process, uri):
        connection = await connect(uri)
        await connection.send(Event("work", work))
        assert (await connection.receive()).type == "started"
        process.send_signal(signal.SIGTERM)
        await ends(process)
        with pytest.raises(PeerGoneError):
            await connection.receive()
        await connection.close()


async def test_a_killed_service_s_socket_file_does_not_keep_the_next_one_from_starting(tmp_path: Path) -> None:
    uri = f"unix://{tmp_path}/s"
    async with program(uri) as (process, _):
        process.kill()
        await process.wait()
        assert (tmp_path / "s").exists()
    async with program(uri):
        await (await connect(uri)).close()
