"""How soon the language model's server sees its stream closed when the user interrupts."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

from wyoming.asr import Transcript
from wyoming.handle import HandledChunk

from interject.wire.client import connect
from interject.wire.events import Interrupt
from tools.harness.processes import Processes, Program, free_uri
from tools.testing.fake_openai import Upstream, running

if TYPE_CHECKING:
    from pathlib import Path

_TOKEN_S = 0.02
_WORDS_HEARD = 3
_TIMEOUT_S = 10.0


async def measure_upstream(trials: int, folder: Path) -> list[float]:
    """Interrupt so many replies; return the seconds from sending the interrupt to the server's end of stream.

    `folder` gets the bridge's files. Raises ProcessDiedError, WireError, TimeoutError.
    """
    upstream = Upstream(tokens=("word ",) * 5000, token_s=_TOKEN_S)
    async with running(upstream), Processes({**os.environ, "OPENAI_API_KEY": "none"}) as processes:
        uri = free_uri()
        store = ["--store", str(folder / "conversations.sqlite3")]
        flags = ["--base-url", upstream.url, "--model", "m", *store]
        await processes.start(Program("llm", "interject.servers.llm", uri, flags, folder / "llm.log"))
        await processes.wait_until_ready("llm")
        return [await _interrupt(uri, upstream, epoch) for epoch in range(1, trials + 1)]


async def _interrupt(uri: str, upstream: Upstream, epoch: int) -> float:
    upstream.closed = asyncio.Event()
    context = {"conversation_id": "bench", "satellite_id": "bench"}
    connection = await connect(uri)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await connection.send(Transcript(text="Talk", context={**context, "epoch": epoch}).event())
            words = 0
            while words < _WORDS_HEARD:
                words += HandledChunk.is_type((await connection.receive()).type)
            began_s = time.monotonic()
            await connection.send(Interrupt("speech", epoch, "word " * words, "word", 100, context).event())
            await upstream.closed.wait()
    finally:
        await connection.close()
    assert upstream.closed_at is not None  # noqa: S101 - for the type checker: it was set before `closed`
    return upstream.closed_at - began_s
