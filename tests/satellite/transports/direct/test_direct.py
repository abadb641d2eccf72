from __future__ import annotations

import asyncio
import logging

import numpy as np
import pytest
from wyoming.error import Error
from wyoming.event import Event

from interject.satellite.transports.direct.reply import StageError
from interject.satellite.transports.direct.server import fixed
from interject.wire.errors import BadUriError, PeerError, PeerGoneError, PeerSilentError, PeerUnreachableError
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.listener import House, running
from tools.virtual.network import Fault
from tools.virtual.servers import BAD_MARKS, WORD_SAMPLES, word_marks
from tools.virtual.signals import reply_voice

EIGHT_WORDS = " ".join(f"r1w{number}" for number in range(8)) + "."


def spoken(words: int, epoch: int = 1) -> bytes:
    return reply_voice(epoch)[: words * WORD_SAMPLES].tobytes()


async def settled(house: House, seconds: float = 3.0) -> None:
    await elapse(seconds)
    assert house.links == 0


def test_an_utterance_becomes_text_and_a_question_speech() -> None:
    async def main() -> None:
        async with running() as house:
            house.stt.partial_s = 0.02
            house.speak(1)
            await house.listener.until(lambda: house.listener.transcripts)
            assert house.listener.transcripts == {1: "we live here"}
            assert house.listener.partials[-1] == "we live here"
            house.transport.ask(1, "we live here")
            await house.listener.until(lambda: house.listener.ended)
            assert house.listener.texts[1] == EIGHT_WORDS
            assert house.listener.audio[1] == spoken(8)
            assert [mark.text for mark in house.listener.marks[1]] == EIGHT_WORDS.rstrip(".").split()
            await settled(house)

    run_virtual(main())


@pytest.mark.parametrize("streaming_tts", [True, False])
def test_servers_are_told_which_satellite_asks_and_in_which_conversation_only_the_bridge(streaming_tts: bool) -> None:
    async def main() -> None:
        async with running(streaming_tts=streaming_tts) as house:
            house.speak(1)
            house.transport.ask(1, "we live here")
            await house.listener.until(lambda: house.listener.ended and house.listener.transcripts)
            assert house.stt.contexts == house.tts.contexts == [{"satellite_id": "kitchen"}]

    run_virtual(main())


def test_an_aborted_utterance_is_closed_and_gives_nothing() -> None:
    async def main() -> None:
        async with running() as house:
            house.speak(1)
            await elapse(0.01)
            house.transport.abort_stt(1)
            await settled(house)
            assert house.listener.transcripts == {}
            assert house.listener.stt_failures == []

    run_virtual(main())


@pytest.mark.parametrize("streaming_llm", [True, False])
@pytest.mark.parametrize("streaming_tts", [True, False])
def test_servers_that_cannot_stream_work_too(streaming_llm: bool, streaming_tts: bool) -> None:
    async def main() -> None:
        async with running(streaming_tts=streaming_tts) as house:
            house.bridge.streaming = streaming_llm
            house.tts.marks = False
            house.transport.ask(1, "we live here")
            await house.listener.until(lambda: house.listener.ended)
            assert house.listener.texts[1] == EIGHT_WORDS
            assert house.listener.audio[1] == spoken(8)
            assert house.listener.failed == []
            await settled(house)

    run_virtual(main())


@pytest.mark.parametrize("streaming_tts", [True, False])
def test_a_reply_without_words_ends_and_asks_nobody_to_say_nothing(streaming_tts: bool) -> None:
    async def main() -> None:
        async with running(words=0, streaming_tts=streaming_tts) as house:
            house.bridge.streaming = False
            house.transport.ask(1, "we live here")
            await house.listener.until(lambda: house.listener.ended)
            assert house.listener.failed == []

    run_virtual(main())


def test_speech_begins_while_text_still_comes() -> None:
    """pipecat#4412: a slow stage holds up no other one."""

    async def main() -> None:
        async with running() as house:
            house.bridge.token_s = 2.0
            house.transport.ask(1, "we live here")
            await house.listener.until(lambda: house.listener.audio)
            assert asyncio.get_running_loop().time() < 3.0
            await house.listener.until(lambda: house.listener.ended)
            assert house.listener.audio[1] == spoken(8)

    run_virtual(main())


def test_a_slow_loudspeaker_holds_up_the_synthesiser_only() -> None:
    """pipecat#3524: the end of a reply that waited is not lost."""

    async def main() -> None:
        async with running() as house:
            house.listener.room.clear()
            house.transport.ask(1, "we live here")
            await house.listener.until(lambda: house.listener.texts.get(1) == EIGHT_WORDS)
            await elapse(60)
            assert house.listener.ended == []
            house.listener.room.set()
            await house.listener.until(lambda: house.listener.ended)
            assert house.listener.audio[1] == spoken(8)
            assert house.listener.failed == []

    run_virtual(main())


@pytest.mark.parametrize("at_ms", [*range(0, 100, 5), *range(100, 700, 20)])
def test_an_interruption_at_any_moment_ends_everything_and_the_next_question_is_answered(at_ms: int) -> None:
    """pipecat#3524, #4412, #5779; agents-js#1791"""

    async def main() -> None:
        async with running() as house:
            house.tts.real_time_factor = 0.5
            house.transport.ask(1, "tell me a story")
            await elapse(at_ms / 1000)
            house.interrupt(1)
            house.transport.ask(2, "about a lighthouse")
            before = dict(house.listener.audio)
            await house.listener.until(lambda: house.listener.ended)
            assert house.listener.ended == [2]
            assert house.listener.audio.get(1) == before.get(1), "no sound of the old reply comes later"
            assert house.listener.audio[2] == spoken(8, epoch=2)
            assert house.bridge.most_at_once == 1
            assert house.bridge.history()[0].content == "tell me a story about a lighthouse"
            assert house.listener.failed == []
            await settled(house)

    run_virtual(main())


def test_several_cuts_before_the_bridge_is_reached_lose_no_part_of_the_question() -> None:
    """livekit#5509: nothing was delivered, so the next question carries all of it, in order."""

    async def main() -> None:
        async with running() as house:
            house.bridge.fail(Fault.REFUSED)
            for epoch, text in enumerate(("tell me", "a long story", "about a lighthouse"), 1):
                house.transport.ask(epoch, text)
                await elapse(0.03)
                if epoch < 3:
                    house.interrupt(epoch, reason="early")
            house.bridge.recover()
            await house.listener.until(lambda: house.listener.ended)
            assert house.bridge.questions == ["tell me a long story about a lighthouse"]

    run_virtual(main())


@pytest.mark.parametrize("reason", ["stop-word", "failed"])
def test_a_question_that_is_done_with_does_not_come_back(reason: str) -> None:
    async def main() -> None:
        async with running() as house:
            house.bridge.fail(Fault.REFUSED)
            house.transport.ask(1, "tell me a story")
            await elapse(0.03)
            house.interrupt(1, reason=reason)
            await elapse(1)
            house.bridge.recover()
            house.transport.ask(2, "we live here")
            await house.listener.until(lambda: house.listener.ended)
            assert house.bridge.questions == ["we live here"]

    run_virtual(main())


def test_what_was_heard_reaches_the_bridge_before_the_next_question() -> None:
    """pipecat#4996, livekit#2607: also when the whole reply had been received long before."""

    async def main() -> None:
        async with running() as house:
            house.transport.ask(1, "we live here")
            await house.listener.until(lambda: house.listener.ended)
            await elapse(1)
            house.interrupt(1, heard="r1w0 r1w1")
            house.transport.ask(2, "and that")
            await house.listener.until(lambda: len(house.listener.ended) == 2)
            assert [message.content for message in house.bridge.history()][:3] == [
                "we live here",
                "r1w0 r1w1 [INTERRUPTED]",
                "and that",
            ]
            assert house.listener.corrected == [(1, "r1w0 r1w1 [INTERRUPTED]")]

    run_virtual(main())


def test_what_was_heard_waits_for_a_bridge_that_is_away() -> None:
    async def main() -> None:
        async with running() as house:
            house.transport.ask(1, "we live here")
            await house.listener.until(lambda: house.listener.ended)
            house.bridge.fail(Fault.REFUSED)
            house.interrupt(1, heard="r1w0 r1w1")
            await elapse(30)
            house.bridge.recover()
            house.transport.ask(2, "and that")
            await house.listener.until(lambda: len(house.listener.ended) == 2)
            assert house.bridge.history()[1].content == "r1w0 r1w1 [INTERRUPTED]"

    run_virtual(main())


def test_the_synthesiser_learns_of_the_interruption() -> None:
    async def main() -> None:
        async with running() as house:
            house.tts.real_time_factor = 1.0
            house.transport.ask(1, "we live here")
            await house.listener.until(lambda: house.listener.audio)
            house.interrupt(1, heard="")
            await settled(house)
            assert [interrupt.epoch for interrupt in house.tts.interrupts] == [1]

    run_virtual(main())


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.REFUSED, PeerUnreachableError),
        (Fault.DIES, PeerGoneError),
        (Fault.GARBAGE, PeerGoneError),
        (Fault.ERROR, PeerError),
        (Fault.SILENT, PeerSilentError),
    ],
)
@pytest.mark.parametrize("name", ["stt", "llm", "tts"])
def test_a_failing_server_is_named_and_ends_its_work(name: str, fault: Fault, error: type[Exception]) -> None:
    async def main() -> None:
        async with running() as house:
            server = house.server(name)
            if fault in {Fault.REFUSED, Fault.SILENT}:
                server.fail(fault)
            house.speak(1)
            house.transport.ask(1, "we live here")
            await elapse(0.03)
            server.fail(fault)
            listener = house.listener
            await listener.until(lambda: listener.ended and (listener.transcripts or listener.stt_failures))
            if name == "stt":
                ((_, cause),) = listener.stt_failures
                assert isinstance(cause, error)
            else:
                ((_, stage),) = listener.failed
                assert isinstance(stage, StageError)
                assert stage.kind == name
                assert isinstance(stage.cause, error)
            assert server.uri in str(listener.stt_failures or listener.failed[0][1])
            server.recover()
            await settled(house, 15)

    run_virtual(main())


@pytest.mark.parametrize(
    ("name", "garbage"),
    [
        ("stt", Event("transcript", data={"text": None})),
        ("stt", Event("transcript", data={})),
        ("stt", Event("transcript-chunk", data={"text": ["what"]})),
        ("stt", Event("transcript", data={"text": "x" * 10_001})),
        ("stt", Event("transcript-chunk", data={"text": "x" * 10_001})),
        ("llm", Event("handled-chunk", data={"text": 7})),
        ("llm", Event("handled", data={"text": {}})),
        ("tts", Event("audio-chunk", data={"rate": 16000, "width": 2, "channels": 1}, payload=b"\0\0\0")),
        ("tts", Event("audio-chunk", data={"rate": 16000, "width": 3, "channels": 1}, payload=b"\0\0\0")),
        ("tts", Event("audio-chunk", data={"rate": 5, "width": 2, "channels": 1}, payload=b"\0\0")),
        ("tts", Event("audio-chunk", data={}, payload=b"")),
        ("llm", Error(text="overloaded").event()),
    ],
)
def test_garbage_ends_its_work_and_nothing_else(name: str, garbage: Event) -> None:
    async def main() -> None:
        async with running() as house:
            server = house.server(name)
            house.speak(1)
            house.transport.ask(1, "we live here")
            await elapse(0.001)
            assert server.links
            for link in server.links:
                link.to_client.put_nowait(garbage)
            listener = house.listener
            await listener.until(lambda: listener.ended and (listener.transcripts or listener.stt_failures))
            assert listener.stt_failures if name == "stt" else listener.failed
            house.speak(2)
            house.transport.ask(2, "and now")
            await listener.until(lambda: 2 in listener.ended and 2 in listener.transcripts)
            assert listener.audio[2] == spoken(8, epoch=2)

    run_virtual(main())


def test_marks_that_cannot_be_right_cost_no_speech(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with running() as house:
            house.tts.preface = [word_marks(marks) for marks in BAD_MARKS]
            house.transport.ask(1, "we live here")
            await house.listener.until(lambda: 1 in house.listener.ended)
            assert not house.listener.failed
            assert house.listener.audio[1] == spoken(8, epoch=1)
            assert [mark.text for mark in house.listener.marks[1]] == EIGHT_WORDS.rstrip(".").split()

    run_virtual(main())
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1
    assert told[0].startswith("tts server: word marks are left out: ")


def test_a_server_that_is_away_for_a_minute_is_told_once_each_way(caplog: pytest.LogCaptureFixture) -> None:
    """wyoming-satellite#59, #206, #278"""

    async def main() -> None:
        async with running() as house:
            house.bridge.fail(Fault.REFUSED)
            for epoch in range(1, 7):
                house.transport.ask(epoch, "we live here")
                await house.listener.until(lambda epoch=epoch: epoch in house.listener.ended)  # type: ignore[misc]
                house.interrupt(epoch, reason="failed")
                await elapse(10)
            assert house.bridge.attempts < 120, "asking for it costs next to nothing"
            house.bridge.recover()
            await elapse(11)
            house.transport.ask(7, "we live here")
            await house.listener.until(lambda: 7 in house.listener.ended)
            assert house.bridge.questions == ["we live here"]

    run_virtual(main())
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == [
        "llm server: cannot connect to tcp://llm:1: Connection refused",
        "llm server: it answers again",
    ]


def test_a_restart_within_a_moment_is_not_noticed(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with running() as house:
            house.tts.fail(Fault.REFUSED)
            house.transport.ask(1, "we live here")
            await elapse(0.2)
            house.tts.recover()
            await house.listener.until(lambda: house.listener.ended)
            assert house.listener.audio[1] == spoken(8)
            assert house.listener.failed == []

    run_virtual(main())


def test_a_description_that_is_garbage_is_told_and_asked_for_again() -> None:
    async def main() -> None:
        async with running() as house:
            house.tts.fail(Fault.REFUSED)
            house.transport.ask(1, "we live here")
            await house.listener.until(lambda: house.listener.ended)
            house.tts.recover()
            house.tts.description = Event("info", data={"tts": [5]})
            house.transport.ask(2, "we live here")
            await house.listener.until(lambda: 2 in house.listener.ended)
            assert "answer to describe is garbage" in str(house.listener.failed[-1][1])
            house.tts.description = None
            house.transport.ask(3, "we live here")
            await house.listener.until(lambda: 3 in house.listener.ended)
            assert house.listener.audio[3] == spoken(8, epoch=3)

    run_virtual(main())


def test_a_recogniser_that_takes_no_audio_is_given_up() -> None:
    async def main() -> None:
        async with running() as house:
            house.transport.open_stt(1)
            piece = np.zeros(160, np.int16).tobytes()
            for _ in range(3_001):
                house.transport.send_audio(1, piece)
            await house.listener.until(lambda: house.listener.stt_failures)
            assert "taking audio" in str(house.listener.stt_failures[0][1])
            await settled(house)

    run_virtual(main())


@pytest.mark.parametrize("marks", [5, [{"text": "so", "start_ms": float("nan"), "end_ms": 1}]])
def test_speech_goes_on_without_word_marks_that_are_garbage(marks: object, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with running() as house:
            house.transport.ask(1, "we live here")
            await elapse(0.001)
            for link in house.tts.links:
                link.to_client.put_nowait(Event("user-event", data={"name": "word-marks", "data": {"marks": marks}}))
            await house.listener.until(lambda: house.listener.ended)
            assert house.listener.failed == []
            assert house.listener.audio[1]
            assert "word marks are left out" in caplog.text

    run_virtual(main())


def test_a_flood_of_partial_texts_is_work_for_as_many_as_a_turn_can_have() -> None:
    async def main() -> None:
        async with running() as house:
            house.transport.open_stt(1)
            await elapse(0.001)
            (link,) = house.stt.links
            for _ in range(5_000):
                link.to_client.put_nowait(Event("transcript-chunk", data={"text": "no"}))
            link.to_client.put_nowait(Event("transcript", data={"text": "no"}))
            await house.listener.until(lambda: house.listener.transcripts)
            assert house.listener.transcripts == {1: "no"}
            assert 1_000 < len(house.listener.partials) < 3_000

    run_virtual(main())


def test_a_bad_address_is_told_when_it_is_given() -> None:
    with pytest.raises(BadUriError, match="write tcp"):
        fixed("localhost:10300")


def test_a_fault_of_our_own_costs_one_reply_and_not_the_satellite(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with running() as house:
            with monkeypatch.context() as patch:
                patch.setattr(house.listener, "reply_audio", lambda *_: 1 / 0)
                house.transport.ask(1, "we live here")
                await house.listener.until(lambda: house.listener.ended)
            assert [epoch for epoch, _ in house.listener.failed] == [1]
            assert "reply 1" in caplog.text
            await settled(house)
            house.transport.ask(2, "and that")
            await house.listener.until(lambda: house.listener.ended == [1, 2])
            assert house.listener.audio[2] == spoken(8, epoch=2)

    run_virtual(main())
