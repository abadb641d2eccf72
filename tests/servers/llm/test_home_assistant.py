"""The bridge behind Home Assistant: it asks and hangs up, the satellite tells of its own accord what was heard."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from wyoming.asr import Transcript

from interject.wire.events import Interrupt
from tests.servers.llm.helpers import Client, Dictated, House, house
from tools.testing.patience import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STORY = "Once upon a time there was a keeper who counted the ships."
HEARD = "Once upon a time"
CUT = "Once upon a time [INTERRUPTED]"
# Longer than a test waits for anything: what is told within it must count.
LONG_GRACE_S = 2 * PATIENCE_S


@pytest.fixture
def engine() -> Dictated:
    return Dictated()


def heard(text: str = STORY, beginning: str = HEARD, reason: str = "speech", satellite: str = "Kitchen") -> Interrupt:
    """Make what a satellite tells: it counts its replies itself and knows no conversation."""
    return Interrupt(reason, 41, text, beginning, 0, {"satellite_id": satellite})


class HomeAssistant:
    """Asks as Home Assistant does: a connection a question, which it closes after the answer or to cancel."""

    def __init__(self, home: House, conversation_id: str = "01JD5Q", satellite: str | None = "kitchen") -> None:
        self._home = home
        self._context: dict[str, Any] = {"conversation_id": conversation_id}
        if satellite is not None:
            self._context |= {"device_id": f"{satellite}-device", "satellite_id": f"assist_satellite.{satellite}"}

    async def send(self, text: str) -> Client:
        client = await self._home.client()
        await client.send(Transcript(text=text, language="en", context=self._context).event())
        return client

    async def asks(self, text: str, engine: Dictated) -> Client:
        """Ask, and wait until the model is asked."""
        asked = len(engine.asked)
        client = await self.send(text)
        await eventually(lambda: len(engine.asked) > asked, "the bridge to ask the model")
        return client

    async def is_told(self, text: str, reply: str, engine: Dictated) -> None:
        """Ask, and get a reply."""
        client = await self.asks(text, engine)
        engine.say(reply)
        engine.end()
        assert await client.reply() == reply
        await client.close()


async def tell(home: House, interrupt: Interrupt) -> str:
    """Tell of an interruption as a satellite does: by a connection of its own; return what the history says now."""
    client = await home.client()
    await client.send(interrupt.event())
    answer = await client.until("user-event")
    return str(answer.data["data"]["content"])


def asked(engine: Dictated) -> list[str]:
    """Return what the model was asked last."""
    return [content for _, content in engine.asked[-1]]


@pytest.mark.parametrize(
    "text",
    [
        STORY,
        f"  {STORY}\n",
        "Once upon a time there was a **keeper**\nwho counted the _ships_.",
        "once upon a time, there was a keeper who counted the ships",
    ],
)
async def test_what_was_heard_is_found_by_the_words_of_the_reply(engine: Dictated, tmp_path: Path, text: str) -> None:
    async with house(engine, tmp_path) as home:
        kitchen = HomeAssistant(home, satellite=None)
        await kitchen.is_told("Tell me a story", STORY, engine)
        assert await tell(home, heard(text)) == CUT
        await kitchen.asks("And then?", engine)
        assert asked(engine) == ["Tell me a story", CUT, "And then?"]


async def test_what_was_heard_is_kept_as_the_model_wrote_it(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        await HomeAssistant(home).is_told("Is it on?", "It is on,\nall “day” long.", engine)
        assert await tell(home, heard("It is on, all day long.", "It is on, all")) == "It is on,\nall [INTERRUPTED]"


async def test_an_answer_of_another_agent_changes_nothing(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        await HomeAssistant(home).is_told("Tell me a story", STORY, engine)
        assert await tell(home, heard("Turned on the light.", "Turned")) == ""
        assert await home.history("01JD5Q") == [("user", "Tell me a story"), ("assistant", STORY)]


@pytest.mark.parametrize(
    ("satellite", "cut"), [("Kitchen", "kitchen"), ("hall", "hall"), ("Living Room", "living"), ("unknown", "hall")]
)
async def test_of_rooms_with_the_same_reply_the_right_one_is_corrected(
    engine: Dictated, tmp_path: Path, satellite: str, cut: str
) -> None:
    async with house(engine, tmp_path) as home:
        for conversation, name in (
            ("living", "living_room_assist_satellite"),
            ("kitchen", "kitchen"),
            ("hall", "hall"),
        ):
            await HomeAssistant(home, conversation, name).is_told("Tell me a story", STORY, engine)
        await tell(home, heard(satellite=satellite))
        for conversation in ("living", "kitchen", "hall"):
            (_, reply) = await home.history(conversation)
            assert reply[1] == (CUT if conversation == cut else STORY)


async def test_a_reply_that_is_still_written_is_meant_rather_than_an_old_one(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        writing = await HomeAssistant(home, "streamed", None).asks("Tell me a story", engine)
        engine.say(STORY, " And ")
        await writing.heard_words(2)
        await HomeAssistant(home, "whole", None).is_told("Tell me a story", f"{STORY} And", engine)
        assert await tell(home, heard(f"{STORY} And")) == CUT
        assert (await home.history("whole"))[-1] == ("assistant", f"{STORY} And")


ORDERS: dict[str, Callable[[Interrupt, Transcript], list[Any]]] = {
    "interrupt first": lambda interrupt, question: [interrupt, question],
    "question first": lambda interrupt, question: [question, interrupt],
}


@pytest.mark.parametrize("turns_of_the_loop", [*range(24), 40, 80])
@pytest.mark.parametrize("order", ORDERS)
async def test_a_question_at_the_same_instant_is_answered_from_what_was_heard(
    engine: Dictated, tmp_path: Path, order: str, turns_of_the_loop: int
) -> None:
    async with house(engine, tmp_path, correction_grace_s=LONG_GRACE_S) as home:
        kitchen = HomeAssistant(home)
        await kitchen.is_told("Tell me a story", STORY, engine)
        asking, telling = await home.client(), await home.client()
        question = Transcript(text="And then?", context={"conversation_id": "01JD5Q"})
        first, second = ORDERS[order](heard(), question)
        for event in (first, second):
            await (asking if event is question else telling).send(event.event())
            for _ in range(turns_of_the_loop):
                await asyncio.sleep(0)
                # The model is quick: its words are there before the correction.
                for words in engine.words[1:]:
                    if words.empty():
                        words.put_nowait("He ")
        await telling.until("user-event")
        await eventually(
            lambda: len(engine.asked) > 1 and asked(engine) == ["Tell me a story", CUT, "And then?"],
            "the bridge to ask with what was heard",
        )
        engine.say("slept.")
        engine.end()
        assert (await asking.reply()).endswith("slept.")
        assert [content for _, content in await home.history("01JD5Q")][1:3] == [CUT, "And then?"]


async def test_without_an_interruption_the_reply_comes_all_the_same(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        kitchen = HomeAssistant(home)
        await kitchen.is_told("Tell me a story", STORY, engine)
        await kitchen.is_told("And then?", "He slept.", engine)
        assert home.trace.of("generation-renewed") == []


async def test_only_a_question_that_cuts_a_reply_off_waits_for_what_was_heard(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path, correction_grace_s=LONG_GRACE_S) as home:
        await HomeAssistant(home, "kitchen").is_told("Tell me a story", STORY, engine)
        # Each of these would wait for half a minute.
        await HomeAssistant(home, "hall").is_told("Tell me a story", STORY, engine)
        await tell(home, heard())
        await HomeAssistant(home, "hall").is_told("And then?", "He slept.", engine)


async def test_told_after_the_next_reply_has_begun_it_counts_from_the_turn_after(
    engine: Dictated, tmp_path: Path
) -> None:
    async with house(engine, tmp_path, correction_grace_s=0) as home:
        kitchen = HomeAssistant(home)
        await kitchen.is_told("Tell me a story", STORY, engine)
        second = await kitchen.asks("And then?", engine)
        engine.say("He ")
        await second.heard_words(1)
        assert await tell(home, heard()) == CUT
        engine.say("slept.")
        engine.end()
        assert await second.reply() == "He slept."
        await kitchen.asks("Well?", engine)
        assert asked(engine) == ["Tell me a story", CUT, "And then?", "He slept.", "Well?"]


@pytest.mark.parametrize("told", ["before", "after"])
async def test_cut_off_while_thinking_the_question_is_one_with_the_next(
    engine: Dictated, tmp_path: Path, told: str
) -> None:
    async with house(engine, tmp_path) as home:
        kitchen = HomeAssistant(home)
        thinking = await kitchen.asks("Tell me a story", engine)
        if told == "before":
            await tell(home, heard("", "", "early"))
        await thinking.close()
        if told == "after":
            await tell(home, heard("", "", "early"))
        await home.idle()
        assert engine.closed == 1
        await kitchen.asks("about a lighthouse", engine)
        assert asked(engine) == ["Tell me a story about a lighthouse"]


async def test_cut_off_before_a_word_of_the_reply_was_heard(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        kitchen = HomeAssistant(home)
        await kitchen.is_told("Tell me a story", STORY, engine)
        assert await tell(home, heard(STORY, "", "early")) == ""
        await kitchen.asks("about a lighthouse", engine)
        assert asked(engine) == ["Tell me a story about a lighthouse"]


async def test_a_question_whose_sound_is_sent_again_is_not_doubled(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        kitchen = HomeAssistant(home, satellite=None)
        for text in (
            "Tell me a story.",
            "tell me a story about a lighthouse",
            "Tell me a story about a lighthouse, no,",
        ):
            await (await kitchen.asks(text, engine)).close()
            await home.idle()
        await kitchen.asks("Tell me a story about a lighthouse no about a dog", engine)
        assert asked(engine) == ["Tell me a story about a lighthouse no about a dog"]


async def test_stopped_while_thinking_the_question_is_done_with(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        kitchen, hall = HomeAssistant(home), HomeAssistant(home, "other", "hall")
        thinking = await kitchen.asks("Tell me a story", engine)
        await thinking.close()
        other = await hall.asks("What time is it", engine)
        assert await tell(home, heard("", "", "stop-word")) == "[INTERRUPTED]"
        engine.say("It is five.")
        engine.end()
        assert await other.reply() == "It is five."
        await kitchen.asks("What day is it", engine)
        assert asked(engine) == ["Tell me a story", "[INTERRUPTED]", "What day is it"]


async def test_who_cannot_be_told_apart_is_left_alone(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        thinking = await HomeAssistant(home, satellite="hall").asks("Tell me a story", engine)
        assert await tell(home, heard("", "", "stop-word")) == ""
        engine.say(STORY)
        engine.end()
        assert await thinking.reply() == STORY


async def test_a_client_that_waits_gets_an_answer_when_the_service_stops(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await HomeAssistant(home).asks("Tell me a story", engine)
        await home.service.stop()
        assert (await client.until("error")).data["code"] == "cancelled"
        await client.until("not-handled")
        assert await client.next() is None


async def test_a_fault_before_the_reply_is_answered_too(
    engine: Dictated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(engine, tmp_path) as home:

        async def begin(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(home.store, "begin", begin)
        client = await HomeAssistant(home).send("Tell me a story")
        await client.until("not-handled")
        assert not list(home.replies)


async def test_an_empty_reply_is_handled(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await HomeAssistant(home).asks("Tell me a story", engine)
        engine.end()
        assert await client.reply() == ""
