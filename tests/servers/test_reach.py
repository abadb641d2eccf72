"""Who can connect to a server that was told nothing of it, and what it says where others can."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from interject.wire.machine import own_addresses
from tools.testing.patience import PATIENCE_S, eventually, showing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PORTS = {"stt": 10_300, "llm": 10_800, "tts": 10_200}
EVERYWHERE = "tcp://0.0.0.0:0"

each_server = pytest.mark.parametrize("kind", sorted(PORTS))


def command(kind: str, folder: Path, *flags: str) -> list[str]:
    own = ["--store", str(folder / "store")] if kind == "llm" else []
    return [sys.executable, "-m", f"interject.servers.{kind}", *own, *flags]


@contextlib.asynccontextmanager
async def log_of(kind: str, folder: Path, *flags: str) -> AsyncIterator[Path]:
    """Run a server until it listens; gives what it has logged."""
    log = folder / "log"
    with log.open("wb") as told:
        process = await asyncio.create_subprocess_exec(*command(kind, folder, *flags), stderr=told)
    try:
        with showing(lambda: [log]):

            def listens() -> bool:
                said = log.read_bytes()
                if b"cannot listen at" in said:
                    pytest.skip("its port is in use on this machine")
                assert process.returncode is None, "expected the server to listen; it has ended"
                return b"Ready at" in said

            await eventually(listens, "the server to listen")
            yield log
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def an_address_of_this_machine() -> str:
    for address in own_addresses():
        if address.version == 4:
            return str(address)
    pytest.skip("this machine has no address but those of loopback")


@each_server
async def test_a_server_that_was_told_nothing_is_there_for_this_machine_alone(kind: str, tmp_path: Path) -> None:
    port, address = PORTS[kind], an_address_of_this_machine()
    async with log_of(kind, tmp_path) as log:
        socket.create_connection(("127.0.0.1", port), PATIENCE_S).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port), PATIENCE_S)
        assert "may connect" not in log.read_text(encoding="utf-8")


@each_server
@pytest.mark.parametrize("uri", ["tcp://127.0.0.1:10999", "unix:///tmp/interject-never-bound"])
def test_what_nobody_else_could_reach_is_not_announced(kind: str, uri: str, tmp_path: Path) -> None:
    done = subprocess.run(
        command(kind, tmp_path, "--uri", uri, "--zeroconf"),
        capture_output=True, text=True, check=False, timeout=PATIENCE_S, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"interject-{kind}: zeroconf: no other machine could reach {uri}; ")
    assert "--uri tcp://0.0.0.0:" in line


@each_server
@pytest.mark.parametrize(
    ("flags", "who"),
    [
        ((), "this machine, private and link-local networks"),
        (("--allow", "127.0.0.1", "--allow", "192.168.7.0/24"), "127.0.0.1, 192.168.7.0/24"),
    ],
)
async def test_a_server_that_others_reach_says_who_may_connect(
    kind: str, flags: tuple[str, ...], who: str, tmp_path: Path
) -> None:
    async with log_of(kind, tmp_path, "--uri", EVERYWHERE, *flags) as log:
        wanted = f"may connect, without a password: {who} (--allow; docs/security.md)"
        await eventually(lambda: wanted in log.read_text(encoding="utf-8"), "the server to say who may connect")
