"""From the event on the wire to the end of the stream that the model's server sees."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from interject.servers.llm.engines.openai_chat import ChatOptions, OpenAiChat
from interject.servers.llm.settings import ApiKey
from tests.servers.llm.helpers import house
from tools.testing.fake_openai import Manner, Upstream, running
from tools.testing.patience import expecting

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("how", ["interrupt", "interrupt before the first word", "close"])
async def test_the_models_server_sees_the_stream_closed(how: str, tmp_path: Path) -> None:
    early = "before" in how
    heard = "word" if early else "word word"
    upstream = Upstream(tokens=("word ",) * (1 if early else 3), manner=Manner.HANG_IN_THE_MIDDLE)
    async with running(upstream):
        options = ChatOptions(upstream.url, "m", ApiKey(None, ""), "", None, None, timeout_s=3600)
        engine = await asyncio.to_thread(OpenAiChat, options)
        async with house(engine, tmp_path) as home:
            client = await home.client()
            await client.ask("Talk", conversation_id="c", epoch=1)
            await client.heard_words(1 if early else 3)
            if how == "close":
                await client.close()
            else:
                await client.interrupt("speech", 1, "word word word ", heard, conversation_id="c")
            async with expecting("the bridge to close the stream of the model"):
                await upstream.closed.wait()
            await home.idle()
            kept = [] if how == "close" else [("assistant", f"{heard} [INTERRUPTED]")]
            assert await home.history("c") == [("user", "Talk"), *kept]
