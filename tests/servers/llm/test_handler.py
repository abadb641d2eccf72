"""The bridge over TCP: standard clients, interruptions at any time, and the races between them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import Describe, Info

from interject.servers.llm.errors import UpstreamUnreachableError
from interject.wire.events import Interrupt
from tests.servers.llm.helpers import Dictated, house
from tools.testing.patience import eventually

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def engine() -> Dictated:
    return Dictated()


async def test_a_plain_client_gets_the_reply_in_pieces_and_as_a_whole(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.send(Transcript(text="Hello").event())
        await client.until("handled-start")
        engine.say("Good ", "day.")
        engine.end()
        handled = await client.until("handled")
        assert [event.type for event in client.seen] == [
            "handled-start",
            "handled-chunk",
            "handled-chunk",
            "handled-stop",
            "handled",
        ]
        assert handled.data["text"] == "Good day."
        conversation_id = handled.data["context"]["conversation_id"]
        assert await home.history(conversation_id) == [("user", "Hello"), ("assistant", "Good day.")]
        # The id that it was given carries the conversation on.
        await client.ask("And you?", conversation_id=conversation_id)
        await client.until("handled-start")
        engine.end()
        await client.reply()
        assert [content for _, content in engine.asked[-1]] == ["Hello", "Good day.", "And you?"]


async def test_markup_is_neither_shown_nor_remembered(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("List them", conversation_id="c", epoch=1)
        await client.until("handled-start")
        engine.say("- **", "Rain", "**\n", "- [Snow](http", "://x) \U0001f328", " falls")
        engine.end()
        assert await client.reply() == "Rain\nSnow falls"
        assert "".join(event.data["text"] for event in client.seen if event.type == "handled-chunk") == (
            "Rain\nSnow falls"
        )
        answer = await client.interrupt("speech", 1, "Rain\nSnow falls", "Rain\nSnow", conversation_id="c")
        assert answer.content == "Rain\nSnow [INTERRUPTED]"
        await client.ask("And now?", conversation_id="c", epoch=2)
        await client.until("handled-start")
        engine.say("\U0001f44d")
        engine.end()
        assert await client.reply() == "\U0001f44d"
        assert [content for _, content in engine.asked[-1]] == ["List them", "Rain\nSnow [INTERRUPTED]", "And now?"]


async def test_describe_is_answered_while_a_reply_is_written(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Hello")
        await client.until("handled-start")
        await client.send(Describe().event())
        info = Info.from_event(await client.until("info"))
        assert info.handle[0].supports_handled_streaming


async def test_each_satellite_has_a_conversation_of_its_own(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        kitchen, hall = await home.client(), await home.client()
        await kitchen.ask("I am in the kitchen", satellite_id="kitchen", epoch=1)
        await kitchen.until("handled-start")
        await hall.ask("I am in the hall", satellite_id="hall", epoch=1)
        await hall.until("handled-start")
        for number, client in enumerate((kitchen, hall)):
            engine.say(f"Reply {number}.", reply=number)
            engine.end(number)
            assert await client.reply() == f"Reply {number}."
        await hall.ask("Where am I?", satellite_id="hall", epoch=2)
        await hall.until("handled-start")
        assert [content for _, content in engine.asked[-1]] == ["I am in the hall", "Reply 1.", "Where am I?"]


async def test_the_model_gets_the_last_messages_only(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path, history_messages=3) as home:
        client = await home.client()
        for epoch in range(1, 5):
            await client.ask(f"Question {epoch}", conversation_id="c", epoch=epoch)
            await client.until("handled-start")
            engine.say(f"Answer {epoch}")
            engine.end()
            await client.reply()
        assert [content for _, content in engine.asked[-1]] == ["Question 3", "Answer 3", "Question 4"]


async def test_interrupting_stops_the_writing_and_keeps_what_was_heard(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Tell me a story", satellite_id="kitchen", epoch=1)
        await client.until("handled-start")
        engine.say("Once ", "upon ", "a ", "time ")
        await client.heard_words(4)
        answer = await client.interrupt("speech", 1, "Once upon a time ", "Once upon", satellite_id="kitchen")
        assert (answer.epoch, answer.content) == (1, "Once upon [INTERRUPTED]")
        assert engine.closed == 1
        # A client that knows no interruptions, on whose connection this happened, does not wait for ever.
        assert [event.type for event in client.seen[-3:]] == ["handled-stop", "handled", "user-event"]
        assert client.seen[-2].data["text"] == "Once upon"
        assert await home.history("satellite-kitchen") == [
            ("user", "Tell me a story"),
            ("assistant", "Once upon [INTERRUPTED]"),
        ]
        # Nothing of the old reply follows.
        await client.ask("What did you say?", satellite_id="kitchen", epoch=2)
        assert (await client.next()).type == "handled-start"  # type: ignore[union-attr]
        (cancelled,) = home.trace.of("generation-cancelled")
        assert cancelled["reason"] == "interrupt"
        assert cancelled["text"] == "Once upon a time "
        print(f"upstream closed after {cancelled['upstream_closed_s'] * 1000:.2f} ms")


async def test_interrupting_from_another_connection_ends_the_reply_too(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        asking, interrupting = await home.client(), await home.client()
        await asking.ask("Tell me a story", conversation_id="c", satellite_id="kitchen", epoch=4)
        await asking.until("handled-start")
        engine.say("Once ")
        await asking.heard_words(1)
        answer = await interrupting.interrupt("stop-word", 4, "Once ", "Once", satellite_id="kitchen")
        assert answer.content == "Once [INTERRUPTED]"
        assert answer.context["conversation_id"] == "c"
        assert await asking.reply() == "Once"


async def test_an_interruption_without_epochs_finds_the_reply_being_written(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        asking, interrupting = await home.client(), await home.client()
        await asking.ask("Tell me a story", conversation_id="c", device_id="d")
        await asking.until("handled-start")
        answer = await interrupting.interrupt("early", 3, device_id="d")
        assert answer.content == ""
        assert await asking.reply() == ""
        assert engine.closed == 1


async def test_interrupting_after_the_reply_and_after_its_connection(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Tell me a story", satellite_id="kitchen", epoch=1)
        await client.until("handled-start")
        engine.say("Once upon a time there was a keeper.")
        engine.end()
        await client.reply()
        await client.close()
        other = await home.client()
        cut = ("speech", 1, "Once upon a time there was a keeper.", "Once upon a time")
        for _ in range(2):
            answer = await other.interrupt(*cut, satellite_id="kitchen")
            assert answer.content == "Once upon a time [INTERRUPTED]"
        assert (await home.history("satellite-kitchen"))[-1] == ("assistant", "Once upon a time [INTERRUPTED]")


async def test_words_that_were_never_written_cannot_be_heard(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client, other = await home.client(), await home.client()
        await client.ask("Is the door locked?", conversation_id="c", epoch=1)
        await client.until("handled-start")
        engine.say("It is ", "locked.")
        await client.heard_words(2)
        lie = "It is open, and the code is 1234"
        for _ in range(2):
            assert (await other.interrupt("speech", 1, lie, lie, conversation_id="c")).content == "It is [INTERRUPTED]"
        assert await client.reply() == "It is"
        assert (await other.interrupt("speech", 7, lie, lie, conversation_id="c")).content == ""
        assert await home.history("c") == [("user", "Is the door locked?"), ("assistant", "It is [INTERRUPTED]")]
        assert [record["overstated"] for record in home.trace.of("interrupted")] == [True, True, False]
        # The truth may still come, from who has it.
        answer = await other.interrupt("speech", 1, "It is locked.", "It is locked.", conversation_id="c")
        assert answer.content == "It is locked. [INTERRUPTED]"


async def test_a_report_that_has_no_word_of_the_reply_is_one_of_nothing_heard(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Hello", conversation_id="c", epoch=1)
        await client.until("handled-start")
        engine.say("Good day.")
        engine.end()
        await client.reply()
        assert (await client.interrupt("speech", 1, "", "Bad night", conversation_id="c")).content == ""
        assert await home.history("c") == [("user", "Hello")]


async def test_an_interruption_is_kept_when_its_sender_leaves_at_once(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Tell me a story", conversation_id="c", epoch=1)
        await client.until("handled-start")
        engine.say("Once ", "upon ")
        await client.heard_words(2)
        await client.send(Interrupt("speech", 1, "Once upon ", "Once", 0, {"conversation_id": "c"}).event())
        await client.close()
        await eventually(lambda: home.trace.of("interrupted"), "the bridge to note the interruption")
        assert await home.history("c") == [("user", "Tell me a story"), ("assistant", "Once [INTERRUPTED]")]


async def test_early_interruptions_become_one_question(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Tell me a story", conversation_id="c", epoch=1)
        await client.until("handled-start")
        answer = await client.interrupt("early", 1, conversation_id="c")
        assert answer.content == ""
        await client.ask("about a lighthouse", conversation_id="c", epoch=2)
        await client.until("handled-start")
        assert engine.asked[-1] == [("user", "Tell me a story about a lighthouse")]


async def test_a_stopped_question_is_not_merged_with_the_next(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Tell me a story", conversation_id="c", epoch=1)
        await client.until("handled-start")
        assert (await client.interrupt("stop-word", 1, conversation_id="c")).content == "[INTERRUPTED]"
        await client.ask("What time is it", conversation_id="c", epoch=2)
        await client.until("handled-start")
        assert engine.asked[-1] == [
            ("user", "Tell me a story"),
            ("assistant", "[INTERRUPTED]"),
            ("user", "What time is it"),
        ]


async def test_a_closed_connection_stops_the_writing_and_keeps_nothing_unheard(
    engine: Dictated, tmp_path: Path
) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Tell me a story", conversation_id="c", epoch=1)
        await client.until("handled-start")
        engine.say("Once ", "upon ")
        await client.heard_words(2)
        await client.close()
        await home.idle()
        assert engine.closed == 1
        assert home.trace.of("generation-cancelled")[0]["reason"] == "closed"
        assert await home.history("c") == [("user", "Tell me a story")]
        # What was heard of it may still be told.
        other = await home.client()
        await other.interrupt("speech", 1, "Once upon ", "Once", conversation_id="c")
        assert await home.history("c") == [("user", "Tell me a story"), ("assistant", "Once [INTERRUPTED]")]


async def test_a_client_that_asks_and_leaves_in_one_breath_leaves_its_question(
    engine: Dictated, tmp_path: Path
) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Tell me a story", conversation_id="c", epoch=1)
        await client.close()
        await eventually(lambda: home.trace.of("generation-cancelled"), "the bridge to give the reply up")
        await home.idle()
        assert await home.history("c") == [("user", "Tell me a story")]


async def test_a_late_interruption_of_an_older_reply_does_not_stop_the_new_one(
    engine: Dictated, tmp_path: Path
) -> None:
    async with house(engine, tmp_path) as home:
        client, late = await home.client(), await home.client()
        await client.ask("First", satellite_id="kitchen", epoch=1)
        await client.until("handled-start")
        engine.say("A first answer.")
        engine.end()
        await client.reply()
        await client.ask("Second", satellite_id="kitchen", epoch=2)
        await client.until("handled-start")
        await late.interrupt("speech", 1, "A first answer.", "A first", satellite_id="kitchen")
        # Nothing of it was sent yet, so it is written anew, from what was heard.
        await eventually(lambda: len(engine.asked) == 3, "the bridge to ask anew")
        assert [content for _, content in engine.asked[-1]] == ["First", "A first [INTERRUPTED]", "Second"]
        engine.say("A second answer.")
        engine.end()
        assert await client.reply() == "A second answer."
        assert await home.history("satellite-kitchen") == [
            ("user", "First"),
            ("assistant", "A first [INTERRUPTED]"),
            ("user", "Second"),
            ("assistant", "A second answer."),
        ]


@pytest.mark.parametrize("turns_of_the_loop", range(12))
async def test_an_interruption_at_the_very_end_of_the_writing_wins(
    engine: Dictated, tmp_path: Path, turns_of_the_loop: int
) -> None:
    async with house(engine, tmp_path) as home:
        client, other = await home.client(), await home.client()
        await client.ask("Tell me a story", conversation_id="c", epoch=1)
        await client.until("handled-start")
        engine.say("Once upon a time.")
        await client.heard_words(1)
        engine.end()
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        answer = await other.interrupt("speech", 1, "Once upon a time.", "Once", conversation_id="c")
        assert answer.content == "Once [INTERRUPTED]"
        assert await client.reply() in {"Once", "Once upon a time."}
        await home.idle()
        assert await home.history("c") == [("user", "Tell me a story"), ("assistant", "Once [INTERRUPTED]")]


async def test_an_interruption_in_the_same_packet_as_the_question(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        asked = Transcript(text="Tell me a story", context={"conversation_id": "c", "epoch": 1})
        for event in (asked.event(), Interrupt("early", 1, context={"conversation_id": "c"}).event()):
            await client.send(event)
        await client.until("user-event")
        assert [event.type for event in client.seen[-3:]] == ["handled-stop", "handled", "user-event"]
        await home.idle()
        assert await home.history("c") == [("user", "Tell me a story")]


async def test_a_new_question_in_the_conversation_ends_the_reply_to_the_old_one(
    engine: Dictated, tmp_path: Path
) -> None:
    async with house(engine, tmp_path) as home:
        first, second = await home.client(), await home.client()
        await first.ask("Tell me a story", conversation_id="c", epoch=1)
        await first.until("handled-start")
        await second.ask("about a dog", conversation_id="c", epoch=2)
        await second.until("handled-start")
        assert await first.reply() == ""
        assert engine.closed == 1
        engine.say("A dog.")
        engine.end()
        assert await second.reply() == "A dog."
        assert engine.asked[-1] == [("user", "Tell me a story about a dog")]


async def test_a_new_question_on_the_connection_gets_the_next_answer(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Tell me a story", conversation_id="c", epoch=1)
        await client.until("handled-start")
        await client.ask("about a dog", conversation_id="c", epoch=2)
        await client.until("handled-start")
        engine.say("A dog.")
        engine.end()
        assert await client.reply() == "A dog."


async def test_a_failure_ends_with_an_answer_that_every_client_knows(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Hello", conversation_id="c", epoch=1)
        await client.until("handled-start")
        engine.say("Good ")
        engine.fail(UpstreamUnreachableError("http://model.example/v1", "Connection refused"))
        error = await client.until("error")
        assert error.data["code"] == "upstream-unreachable"
        assert "http://model.example/v1" in error.data["text"]
        not_handled = await client.until("not-handled")
        assert not_handled.data["text"] == error.data["text"]
        assert await home.history("c") == [("user", "Hello"), ("assistant", "Good ")]
        # The connection goes on.
        await client.ask("Hello again", conversation_id="c", epoch=2)
        await client.until("handled-start")
        engine.end()
        await client.reply()


async def test_questions_that_nobody_answered_are_not_asked_with_the_next_one(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        for epoch in (1, 2):
            await client.ask("Hello", conversation_id="c", epoch=epoch)
            await client.until("handled-start")
            engine.fail(UpstreamUnreachableError("http://model.example/v1", "Connection refused"))
            await client.until("not-handled")
        await client.ask("Who are you?", conversation_id="c", epoch=3)
        await client.until("handled-start")
        assert await home.history("c") == [("user", "Who are you?")]


async def test_a_fault_of_ours_ends_with_an_answer_too(
    engine: Dictated, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Hello")
        await client.until("handled-start")
        engine.fail(ZeroDivisionError())
        assert (await client.until("error")).data["code"] == "internal-error"
        await client.until("not-handled")
        assert "ZeroDivisionError" in caplog.text


async def test_a_fault_of_the_store_ends_with_an_answer_too(
    engine: Dictated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.ask("Hello")
        await client.until("handled-start")
        monkeypatch.setattr(home.store, "complete", broken)
        engine.end()
        assert (await client.until("error")).data["code"] == "internal-error"
        await client.until("not-handled")


async def test_one_question_too_many_is_refused_and_the_others_go_on(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path, limit=2) as home:
        clients = [await home.client() for _ in range(3)]
        for number, client in enumerate(clients[:2]):
            await client.ask("Hello", conversation_id=str(number))
            await client.until("handled-start")
        await clients[2].ask("Hello", conversation_id="2")
        assert (await clients[2].until("error")).data["code"] == "busy"
        await clients[2].until("not-handled")
        engine.say("Hi.", reply=0)
        engine.end(0)
        assert await clients[0].reply() == "Hi."
        await clients[2].ask("Hello", conversation_id="2")
        await clients[2].until("handled-start")
        assert await home.history("2") == [("user", "Hello")]


async def test_a_host_that_has_its_share_of_replies_leaves_room_for_another(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path, limit=4) as home:
        here = [await home.client() for _ in range(4)]
        for number, client in enumerate(here[:3]):
            await client.ask("Hello", conversation_id=str(number))
            await client.until("handled-start")
        await here[3].ask("Hello", conversation_id="one too many")
        assert "127.0.0.1" in (await here[3].until("error")).data["text"]
        there = await home.client("127.0.0.2")
        await there.ask("Hello", conversation_id="another")
        await there.until("handled-start")


async def test_twenty_satellites_at_once_get_their_own_replies(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path, limit=32) as home:
        clients = [await home.client() for _ in range(20)]
        for number, client in enumerate(clients):
            await client.ask(f"I am {number}", satellite_id=str(number), epoch=1)
            await client.until("handled-start")
        for number in range(20):
            engine.say(f"You are {engine.asked[number][-1][1][5:]}.", reply=number)
            engine.end(number)
        assert await asyncio.gather(*(client.reply() for client in clients)) == [f"You are {n}." for n in range(20)]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"text": " "},
        {"text": 5},
        {"text": "x" * 200_000},
        {"text": "x", "context": "c"},
        {"text": "x", "context": {"epoch": "1"}},
        {"text": "x", "context": {"epoch": 1e300}},
        {"text": "x", "context": {"epoch": 10**30}},
        {"text": "x", "context": {"conversation_id": {}}},
        {"text": "x", "context": {"conversation_id": "c" * 1000}},
    ],
)
async def test_a_bad_question_is_refused_and_the_connection_goes_on(
    engine: Dictated, tmp_path: Path, data: dict[str, Any]
) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.send(Event(type="transcript", data=data))
        await client.until("error")
        await client.until("not-handled")
        await client.ask("Hello")
        await client.until("handled-start")


@pytest.mark.parametrize(
    "event",
    [
        Interrupt("speech", 1, "x" * 200_000, "").event(),
        Interrupt("speech", 1, "", "", 0, {"conversation_id": 5}).event(),
    ],
)
async def test_a_bad_interruption_is_refused_and_the_connection_goes_on(
    engine: Dictated, tmp_path: Path, event: Event
) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.send(event)
        await client.until("error")
        await client.ask("Hello")
        await client.until("handled-start")


async def test_half_a_surrogate_pair_does_no_harm(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        client.writer.write(
            b'{"type": "transcript", "data": {"text": "a \\ud800 b", '
            b'"context": {"conversation_id": "c", "epoch": 1}}}\n'
            b'{"type": "user-event", "data": {"name": "interrupt", "data": {"reason": "speech", "epoch": 1, '
            b'"heard": "c \\ud800 d"}, "context": {"conversation_id": "c"}}}\n'
        )
        await client.until("user-event")
        assert await home.history("c") == [("user", "a ? b")]


async def test_an_interruption_of_nothing_is_answered(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        assert (await client.interrupt("speech", 1, "Some words", "Some")).content == ""
        assert (await client.interrupt("text", 1, satellite_id="nobody")).content == ""


async def test_events_of_others_are_ignored(engine: Dictated, tmp_path: Path) -> None:
    async with house(engine, tmp_path) as home:
        client = await home.client()
        await client.send(Event(type="select-program", data={"name": "x"}))
        await client.send(Event(type="user-event", data={"name": "word-marks"}))
        await client.ask("Hello")
        assert (await client.next()).type == "handled-start"  # type: ignore[union-attr]
