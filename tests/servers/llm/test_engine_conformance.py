"""What every engine does that writes replies, behind the seam by which the bridge knows it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from interject.servers.llm.engines import open_engine
from interject.servers.llm.settings import LlmEngine, LlmSettings
from interject.servers.llm.turns import Message, Role
from tools.testing.fake_openai import Upstream, running
from tools.testing.patience import expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.servers.llm.engines.base import Engine

COUNT = "One, two, three, four, five, six, seven, eight, nine, ten."


def asks(text: str = "count to ten") -> list[Message]:
    return [Message(Role.USER, text, interrupted=False, epoch=1, created=0.0)]


@asynccontextmanager
async def opened(kind: LlmEngine) -> AsyncIterator[Engine]:
    """Give an engine that counts to ten when asked to, as its settings make it."""
    upstream = Upstream(tokens=tuple(f"{word} " for word in COUNT.split()), token_s=0.02)
    async with running(upstream):
        own = {
            LlmEngine.OFFLINE: LlmSettings(backend=kind, offline_words_per_second=50.0),
            LlmEngine.OPENAI: LlmSettings(backend=kind, base_url=upstream.url, model="a-model"),
        }
        engine = await open_engine(own[kind])
        yield engine
        await engine.close()


@pytest.fixture(params=list(LlmEngine), ids=lambda kind: str(kind.value))
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    async with opened(request.param) as made:
        yield made


async def pieces_of(engine: Engine) -> list[str]:
    async with aclosing(engine.reply(asks(), "en")) as pieces:
        return [piece async for piece in pieces]


async def test_it_says_what_it_is(engine: Engine) -> None:
    # The version of a package is looked up on disk.
    info = await asyncio.to_thread(lambda: engine.info)
    assert all((info.model, info.description, info.author, info.version))


async def test_it_looks_for_what_will_not_work_and_raises_nothing(engine: Engine) -> None:
    async with expecting("the check to end"):
        await engine.check()


async def test_the_pieces_joined_are_the_reply(engine: Engine) -> None:
    pieces = await pieces_of(engine)
    assert len(pieces) > 3
    assert "".join(pieces).strip() == COUNT


async def test_replies_are_written_at_the_same_time(engine: Engine) -> None:
    async with (
        aclosing(engine.reply(asks(), "en")) as one,
        aclosing(engine.reply(asks(), "en")) as other,
        expecting("each of them to begin while the other one is not over"),
    ):
        for _ in range(3):
            assert await anext(one)
            assert await anext(other)


async def test_a_reply_that_is_left_stops_and_the_next_one_is_whole(engine: Engine) -> None:
    async with aclosing(engine.reply(asks(), "en")) as pieces:
        assert await anext(pieces)
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)
    assert "".join(await pieces_of(engine)).strip() == COUNT


async def test_a_task_that_is_cancelled_stops_at_once_and_the_next_reply_is_whole(engine: Engine) -> None:
    got: list[str] = []
    begun = asyncio.Event()

    async def listen() -> None:
        async with aclosing(engine.reply(asks(), "en")) as pieces:
            async for piece in pieces:
                got.append(piece)
                begun.set()

    task = asyncio.create_task(listen())
    async with expecting("the reply to begin"):
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "".join(got).strip() != COUNT
    assert "".join(await pieces_of(engine)).strip() == COUNT
