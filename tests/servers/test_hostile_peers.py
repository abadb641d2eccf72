"""The servers bear whatever reaches their handlers: real engines, of which only those that need no download."""

from __future__ import annotations

import importlib.util
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from interject.servers.llm.engines.offline import OfflineResponder
from interject.servers.stt.settings import SttEngine, SttSettings
from interject.servers.tts.settings import TtsSettings
from tests.servers.llm.helpers import house
from tests.servers.stt import harness as stt
from tests.servers.tts import harness as tts
from tests.wire.hostile import check_withstood

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

LOOPBACK = "tcp://127.0.0.1:0"


@asynccontextmanager
async def stt_server(_: Path) -> AsyncIterator[str]:
    async with stt.running(SttSettings(uri=LOOPBACK, engine=SttEngine.POCKETSPHINX)) as server:
        yield server.uri


@asynccontextmanager
async def bridge(folder: Path) -> AsyncIterator[str]:
    responder = OfflineResponder(words_per_second=10_000, think_s=0, clock=lambda: datetime.now(UTC))
    async with house(responder, folder) as here:
        yield here.uri


@asynccontextmanager
async def tts_server(_: Path) -> AsyncIterator[str]:
    async with tts.running(TtsSettings(uri=LOOPBACK)) as server:
        yield server.uri


@pytest.mark.parametrize(("listener", "serve"), [("stt", stt_server), ("llm", bridge), ("tts", tts_server)])
def test_a_server_bears_whatever_it_is_sent_and_answers_everybody_else(
    listener: str,
    serve: Callable[[Path], AbstractAsyncContextManager[str]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if listener == "stt" and importlib.util.find_spec("pocketsphinx") is None:
        pytest.skip("pocketsphinx has no build for this Python")
    check_withstood(listener, serve(tmp_path))
    assert not [record for record in caplog.records if record.exc_info]
