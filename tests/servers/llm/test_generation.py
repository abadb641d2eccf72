"""One reply's generation: what it is told while it is written decides how it ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from wyoming.asr import Transcript

from interject.servers.llm.active_replies import ActiveReply, StopReason
from interject.servers.llm.errors import UpstreamUnreachableError
from interject.servers.llm.generation import Failed, Finished, Generation, GivenUp, Stopped
from interject.servers.llm.requests import read_question
from tests.servers.llm.helpers import Dictated, Records
from tests.servers.llm.test_store import opened
from tools.testing.patience import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wyoming.event import Event

    from interject.servers.llm.generation import Outcome


class Desk:
    """A reply on its way to a client that notes what it gets, and may be gone."""

    def __init__(self, engine: Dictated, reply: ActiveReply) -> None:
        self.engine = engine
        self.reply = reply
        self.got: list[str] = []
        self.gone = False
        self.task: asyncio.Task[Outcome]

    async def send(self, event: Event) -> None:
        if self.gone:
            raise ConnectionResetError("gone")
        self.got.append(str(event.data.get("text", event.type)))

    async def writing(self, replies: int = 1) -> None:
        await eventually(lambda: len(self.engine.words) == replies, "the engine to be asked")

    async def has(self, *got: str) -> None:
        await eventually(lambda: self.got == ["handled-start", *got], f"the client to have {got}")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path / "s.sqlite3") as store:
        question = read_question(Transcript("Hello", context={"conversation_id": "c"}))
        begun = await store.begin("c", question.origin, None, question.text)
        reply = ActiveReply("c", question.origin, None, turn_id=begun.turn_id)
        desk = Desk(Dictated(), reply)
        generation = Generation(reply, question, desk.engine, store, 20, Records(), desk.send)
        desk.task = asyncio.create_task(generation.run(begun.messages))
        await desk.writing()
        yield desk
        desk.task.cancel()
        await asyncio.wait({desk.task})


async def test_a_reply_that_is_told_nothing_finishes(desk: Desk) -> None:
    desk.engine.say("Good ", "day.")
    desk.engine.end()
    assert await desk.task == Finished("Good day.")
    assert desk.got == ["handled-start", "Good ", "day."]


async def test_the_first_who_stops_a_reply_counts_and_the_model_is_left_alone(desk: Desk) -> None:
    desk.engine.say("Good ", "day.")
    await desk.has("Good ", "day.")
    desk.reply.stop(StopReason.INTERRUPT, "Good")
    desk.reply.stop(StopReason.SUPERSEDED)
    outcome = await desk.task
    assert isinstance(outcome, Stopped)
    assert (outcome.stop.reason, outcome.stop.heard) == (StopReason.INTERRUPT, "Good")
    assert desk.engine.closed == 1


async def test_a_reply_that_is_whole_cannot_be_stopped(desk: Desk) -> None:
    desk.engine.say("Good day.")
    desk.engine.end()
    for _ in range(100):
        if desk.engine.closed:
            break
        await asyncio.sleep(0)
    assert not desk.task.done()
    desk.reply.stop(StopReason.SUPERSEDED)
    assert await desk.task == Finished("Good day.")


async def test_a_corrected_history_has_the_reply_written_anew_until_some_of_it_was_sent(desk: Desk) -> None:
    desk.reply.hold_until = asyncio.get_running_loop().time() + 3600
    desk.engine.say("Unheard ")
    desk.reply.history_corrected()
    await desk.writing(replies=2)
    assert desk.engine.closed == 1
    desk.engine.say("Good ")
    await desk.has("Good ")
    desk.reply.history_corrected()
    desk.engine.say("day.")
    desk.engine.end()
    assert await desk.task == Finished("Good day.")
    assert len(desk.engine.asked) == 2


async def test_a_reply_that_is_stopped_while_it_is_begun_anew_ends(desk: Desk) -> None:
    desk.reply.history_corrected()
    desk.reply.stop(StopReason.SUPERSEDED)
    assert isinstance(await desk.task, Stopped)
    assert (len(desk.engine.asked), desk.engine.closed) == (1, 1)


async def test_a_client_that_takes_nothing_more_is_given_up(desk: Desk) -> None:
    desk.gone = True
    desk.engine.say("Good ")
    assert isinstance(await desk.task, GivenUp)
    assert desk.engine.closed == 1


async def test_a_reply_that_fails_says_what_was_written(desk: Desk) -> None:
    error = UpstreamUnreachableError("http://model.example/v1", "Connection refused")
    desk.engine.say("Good ")
    desk.engine.fail(error)
    assert await desk.task == Failed(error, "Good ")


async def test_cancelling_ends_the_writing_too(desk: Desk) -> None:
    desk.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await desk.task
    assert desk.engine.closed == 1
