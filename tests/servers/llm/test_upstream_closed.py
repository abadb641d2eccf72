"""From the event on the wire to the end of the stream that the model's server sees."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from servers.llm.engines.openai_chat import ChatOptions, OpenAiChat
from servers.llm.settings import ApiKey
from tests.servers.llm.fake_openai import Upstream, running
from tests.servers.llm.helpers import house

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("how", ["interrupt", "interrupt before the first word", "close"])
async def test_the_models_server_sees_the_stream_closed(how: str, tmp_path: Path) -> None:
    early = "before" in how
    upstream = Upstream(tokens=("word ",) * 2000, token_s=30 if early else 0.02)
    async with running(upstream):
        options = ChatOptions(upstream.url, "m", ApiKey(None, ""), "", None, None, timeout_s=60)
        engine = await asyncio.to_thread(OpenAiChat, options)
        async with house(engine, tmp_path) as home:
            client = await home.client()
            await client.ask("Talk", conversation_id="c", epoch=1)
            await client.heard_words(1 if early else 3)
            start = time.monotonic()
            if how == "close":
                await client.close()
            else:
                await client.interrupt("speech", 1, "word word word ", "word word", conversation_id="c")
            await asyncio.wait_for(upstream.closed.wait(), 5)
            assert upstream.closed_at is not None
            print(f"{how}: the model's server saw the end after {(upstream.closed_at - start) * 1000:.1f} ms")
            assert upstream.closed_at - start < 1
            await home.idle()
            kept = [] if how == "close" else [("assistant", "word word [INTERRUPTED]")]
            assert await home.history("c") == [("user", "Talk"), *kept]
