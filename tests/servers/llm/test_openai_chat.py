"""The chat engine against a real HTTP server."""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from interject.servers.llm.engines.openai_chat import ChatOptions, OpenAiChat
from interject.servers.llm.errors import (
    EngineError,
    UpstreamBrokenError,
    UpstreamBusyError,
    UpstreamEmptyError,
    UpstreamKeyError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from interject.servers.llm.settings import ApiKey
from interject.servers.llm.turns import Message, Role
from tools.testing.fake_openai import Manner, Upstream, running
from tools.testing.patience import eventually, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = "sk-very-secret"
ASKED = [Message(Role.USER, "How are you?", interrupted=False, epoch=1, created=0.0)]


@asynccontextmanager
async def chat(
    upstream: Upstream, model: str | None = "a-model", timeout_s: float = 5.0, max_tokens: int | None = None
) -> AsyncIterator[OpenAiChat]:
    async with running(upstream):
        engine = await make(upstream.url, model, timeout_s, max_tokens)
        yield engine
        await engine.close()


async def make(url: str, model: str | None = "m", timeout_s: float = 5.0, max_tokens: int | None = None) -> OpenAiChat:
    key = ApiKey(KEY, "OPENAI_API_KEY")
    options = ChatOptions(
        url, model, key, "Speak briefly.", temperature=None, max_tokens=max_tokens, timeout_s=timeout_s
    )
    return await asyncio.to_thread(OpenAiChat, options)


async def whole(engine: OpenAiChat, language: str | None = None) -> list[str]:
    async with aclosing(engine.reply(ASKED, language)) as pieces:
        return [piece async for piece in pieces]


async def test_streams_the_reply_and_sends_the_conversation() -> None:
    upstream = Upstream(tokens=("Very ", "well."))
    async with chat(upstream, max_tokens=50) as engine:
        assert await whole(engine, "en") == ["Very ", "well."]
    (request,) = upstream.requests
    assert request["model"] == "a-model"
    assert request["stream"] is True
    assert request["max_tokens"] == 50
    assert "temperature" not in request
    system, user = request["messages"]
    assert system["role"] == "system"
    assert system["content"].startswith("Speak briefly.")
    assert "'en'" in system["content"]
    assert user == {"role": "user", "content": "How are you?"}
    assert upstream.headers[0]["authorization"] == f"Bearer {KEY}"


async def test_without_a_model_the_first_one_listed_is_used() -> None:
    upstream = Upstream()
    async with chat(upstream, model=None) as engine:
        await whole(engine)
        await whole(engine)
    assert [request["model"] for request in upstream.requests] == ["first-model", "first-model"]
    assert upstream.paths.count("/v1/models") == 1


async def test_a_refused_key_names_its_source_and_not_the_key() -> None:
    async with chat(Upstream(statuses=[401])) as engine:
        with pytest.raises(UpstreamKeyError, match="OPENAI_API_KEY") as caught:
            await whole(engine)
    assert KEY not in str(caught.value)
    assert KEY not in repr(engine.info)


async def test_a_busy_server_is_asked_once_more() -> None:
    upstream = Upstream(statuses=[429], keep_failing=False, retry_after="0.05")
    async with chat(upstream) as engine:
        assert await whole(engine) == ["Good ", "day."]
    assert len(upstream.requests) == 2


async def test_a_server_that_stays_busy_is_told_of() -> None:
    upstream = Upstream(statuses=[429], retry_after="0.05")
    async with chat(upstream) as engine:
        with pytest.raises(UpstreamBusyError, match=r"0\.05 s"):
            await whole(engine)
    assert len(upstream.requests) == 2


async def test_a_long_retry_after_is_not_waited_for() -> None:
    upstream = Upstream(statuses=[429], retry_after="60")
    async with chat(upstream, timeout_s=0.5) as engine:
        with pytest.raises(EngineError, match=upstream.url):
            await whole(engine)


async def test_a_failing_server_is_named() -> None:
    upstream = Upstream(statuses=[500])
    async with chat(upstream) as engine:
        with pytest.raises(UpstreamStatusError, match="a reason for 500") as caught:
            await whole(engine)
        assert upstream.url in str(caught.value)


async def test_an_unknown_model_points_at_the_settings() -> None:
    async with chat(Upstream(statuses=[404])) as engine:
        with pytest.raises(UpstreamStatusError, match="--model"):
            await whole(engine)


@pytest.mark.parametrize("manner", [Manner.CUT_IN_THE_MIDDLE, Manner.GARBAGE])
async def test_a_reply_that_breaks_off_is_no_reply(manner: Manner) -> None:
    upstream = Upstream(manner=manner)
    got: list[str] = []

    async def listen(engine: OpenAiChat) -> None:
        async with aclosing(engine.reply(ASKED, None)) as pieces:
            async for piece in pieces:
                got.append(piece)  # noqa: PERF401 - what came before the break counts

    async with chat(upstream) as engine:
        with pytest.raises(UpstreamBrokenError, match=upstream.url):
            await listen(engine)
    assert got == ["Good ", "day."]


async def test_a_server_that_tells_no_finish_reason_has_replied_all_the_same() -> None:
    async with chat(Upstream(manner=Manner.END_WITHOUT_FINISH)) as engine:
        assert await whole(engine) == ["Good ", "day."]


async def test_a_silent_server_times_out() -> None:
    async with chat(Upstream(manner=Manner.SILENT), timeout_s=0.2) as engine:
        with pytest.raises(UpstreamTimeoutError, match="--request-timeout-s"):
            await whole(engine)


async def test_a_server_that_falls_silent_in_the_middle_times_out() -> None:
    async with chat(Upstream(tokens=("One ", "two"), manner=Manner.HANG_IN_THE_MIDDLE), timeout_s=0.2) as engine:
        with pytest.raises(UpstreamTimeoutError):
            await whole(engine)


async def test_a_server_that_never_ends_its_stream_does_not_hold_the_reply() -> None:
    upstream = Upstream(manner=Manner.HANG_AFTER_FINISH)
    async with chat(upstream, timeout_s=3600) as engine, expecting("the engine to end the reply at its finish reason"):
        assert await whole(engine) == ["Good ", "day."]


async def test_a_reply_without_text_is_an_error() -> None:
    async with chat(Upstream(tokens=(), finish_reason="length")) as engine:
        with pytest.raises(UpstreamEmptyError, match="--max-tokens"):
            await whole(engine)


async def test_nobody_listening_is_told_with_the_url() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        engine = await make(url)
        with pytest.raises(UpstreamUnreachableError, match="--base-url") as caught:
            await whole(engine)
        await engine.close()
    assert url in str(caught.value)


async def test_a_connection_is_used_for_several_replies() -> None:
    upstream = Upstream()
    async with chat(upstream) as engine:
        await whole(engine)
        await whole(engine)
    assert upstream.connections == 1


async def test_cancelling_closes_the_stream() -> None:
    upstream = Upstream(tokens=("word ",) * 3, manner=Manner.HANG_IN_THE_MIDDLE)
    async with chat(upstream, timeout_s=3600) as engine:
        task = asyncio.create_task(whole(engine))
        await eventually(lambda: upstream.sent == 3, "the model's server to send three words")
        task.cancel()
        async with expecting("the engine to close the stream"):
            await upstream.closed.wait()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_leaving_the_reply_closes_the_stream() -> None:
    upstream = Upstream(tokens=("word ",) * 3, manner=Manner.HANG_IN_THE_MIDDLE)
    async with chat(upstream, timeout_s=3600) as engine:
        async with aclosing(engine.reply(ASKED, None)) as pieces:
            assert await anext(pieces) == "word "
        async with expecting("the engine to close the stream"):
            await upstream.closed.wait()
