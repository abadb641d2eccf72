"""Each server fails in each way at every part of a turn: the user hears of it, and the next turn works."""

from __future__ import annotations

import logging

import pytest

from interject.satellite.turn.state import Phase
from tools.testing.virtual_clock import run_virtual
from tools.virtual import checks
from tools.virtual.network import FakeServer, Fault
from tools.virtual.room import Result, Room, Utterance
from tools.virtual.sweep import QUESTION, told_with

# What is said, the silence after it, its transcript, the thinking, the text and the speech as they come, and a reply of
# five words that plays on without any server, until 2.76 s.
IN_EACH_PART_S = (0.36, 0.64, 1.2, 1.58, 1.66, 1.74, 1.82, 1.9, 2.4)
# The server is back before the user asks the next thing.
BACK_AFTER_S = 0.8
NEXT = Utterance(3.9, 0.48, "tell me more")
READY_WITHIN_S = 1.0


def server_of(room: Room, name: str) -> FakeServer:
    return {"stt": room.stt, "llm": room.bridge, "tts": room.tts}[name]


def run(name: str, fault: Fault, at_s: float, back_after_s: float, again: Utterance) -> tuple[Room, Result]:
    room = Room(QUESTION, again, words=lambda epoch: 5 if epoch == 1 else 3)
    server = server_of(room, name)
    room.at = [(at_s, lambda: server.fail(fault)), (at_s + back_after_s, server.recover)]
    return room, run_virtual(room.run(again.at_s + 5))


def is_told_and_over(result: Result, caplog: pytest.LogCaptureFixture, name: str) -> bool:
    """Check what must follow a failure; return whether there was one that the satellite could notice."""
    cues = [record["t"] for record in result.of("error-cue")]
    failures = result.of("failed")
    for failure in failures:
        ended = [record["t"] for record in result.of("reply-played") if record["t"] >= failure["t"]]
        spoken_until = min(ended, default=failure["t"]) if failure["stage"] == "reply" else failure["t"]
        assert any(failure["t"] <= cue <= max(failure["t"], spoken_until) + READY_WITHIN_S for cue in cues)
        assert f"tcp://{name}:1" in failure["error"]
    assert len(cues) == len(failures)
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    if failures:
        assert sum(f"{name} server: tcp://{name}:1" in text or f"to tcp://{name}:1" in text for text in told) >= 1
        assert sum("it answers again" in text for text in told) == 1
    return bool(failures)


def nothing_went_wrong_besides(result: Result, room: Room) -> None:
    checks.nothing_old_plays(result)
    checks.what_was_heard_is_what_was_played(result)
    checks.history_says_what_was_heard(result)
    checks.resuming_loses_nothing(result)
    checks.the_room_is_at_rest(result, room)


@pytest.mark.parametrize("name", ["stt", "llm", "tts"])
@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.DIES, Fault.GARBAGE, Fault.ERROR])
def test_a_failure_in_any_part_of_a_turn_is_heard_and_the_next_turn_works(
    name: str, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """livekit#3418, pipecat#4412; wyoming-satellite#59, #206"""
    noticed = 0
    for at_s in IN_EACH_PART_S:
        caplog.clear()
        room, result = run(name, fault, at_s, BACK_AFTER_S, NEXT)
        with told_with(result, at_s):
            noticed += is_told_and_over(result, caplog, name)
            nothing_went_wrong_besides(result, room)
            assert room.bridge.questions[-1] == "tell me more"
            assert checks.played_to_the_end(result)[-1:] == [result.of("ask")[-1]["epoch"]]
    assert noticed


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.BABBLES])
@pytest.mark.parametrize(
    ("name", "at_s", "answer_s"), [("stt", 0.5, 10.0), ("stt", 1.58, 10.0), ("llm", 1.6, 30.0), ("tts", 1.7, 8.0)]
)
def test_a_server_that_answers_no_more_is_given_up(
    fault: Fault, name: str, at_s: float, answer_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    """pipecat#5240"""
    again = Utterance(at_s + answer_s + 4.0, 0.48, "tell me more")
    room, result = run(name, fault, at_s, answer_s + 2.5, again)
    with told_with(result, at_s):
        assert is_told_and_over(result, caplog, name)
        nothing_went_wrong_besides(result, room)
        assert "sent no" in result.of("failed")[0]["error"]
        assert room.bridge.questions[-1] == "tell me more"
        assert result.phase is Phase.IDLE


LONG = Utterance(0.5, 2.5, "tell me a very long story about a lighthouse")


def test_speech_recognition_that_died_while_idle_costs_one_tone_and_none_while_the_user_speaks() -> None:
    room = Room(LONG)
    room.at = [(0.1, lambda: room.stt.fail(Fault.REFUSED))]
    result = run_virtual(room.run(8.0))
    with told_with(result, 0.1):
        (cue,) = result.of("error-cue")
        assert LONG.at_s + LONG.length_s < cue["t"] < LONG.at_s + LONG.length_s + 1.5
        assert len(result.of("failed")) == 1
        assert result.phase is Phase.IDLE


def test_speech_recognition_that_is_back_before_the_user_has_finished_loses_nothing() -> None:
    room = Room(LONG)
    room.at = [(0.1, lambda: room.stt.fail(Fault.REFUSED)), (2.0, room.stt.recover)]
    result = run_virtual(room.run(8.0))
    with told_with(result, 0.1):
        assert not result.of("error-cue")
        assert room.bridge.questions == [LONG.text]


def test_an_interruption_while_speech_recognition_is_away_stops_the_reply_and_says_why() -> None:
    room = Room(QUESTION, Utterance(2.2, 1.4, "please stop talking now"))
    room.at = [(2.0, lambda: room.stt.fail(Fault.REFUSED))]
    result = run_virtual(room.run())
    with told_with(result, 2.2):
        nothing_went_wrong_besides(result, room)
        (cut,) = result.of("interrupt")
        assert cut["t"] <= 2.2 + 0.9 + 0.1
        assert result.of("error-cue")


def test_what_was_heard_is_told_when_the_bridge_is_back() -> None:
    """pipecat#4996: the bridge is away at the interruption, and back at the next question."""
    room = Room(QUESTION, Utterance(2.4, 0.48, "tell me more"))
    room.at = [(2.2, lambda: room.bridge.fail(Fault.REFUSED)), (3.55, room.bridge.recover)]
    result = run_virtual(room.run())
    with told_with(result, 2.4):
        checks.everything_holds(result, room)
        assert [message.interrupted for message in result.bridge.history()] == [False, True, False, False]
