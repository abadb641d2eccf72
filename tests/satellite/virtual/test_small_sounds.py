"""What is no question, begun in every other window that the VAD hears of a turn."""

from __future__ import annotations

import pytest

from tools.testing.virtual_clock import run_virtual
from tools.virtual.checks import everything_holds, played_to_the_end
from tools.virtual.room import Result, Room, Utterance
from tools.virtual.sweep import QUESTION, instants, told_with

THINKING = (1.58, 1.80)
SPEAKING = (1.80, 2.60)
ENDING = (2.60, 3.50)
TRANSCRIBED_S = 1.64
LAST_SAMPLE_S = 3.36
# Two windows, the one in which the voice begins, and a block.
NOTICED_S = 3 * 0.032 + 0.02
# Hardly less than two windows: each step begins elsewhere in its window, and in its block of 20 ms.
STEP_MS = 63
ANY = pytest.mark.parametrize("part", [THINKING, SPEAKING, ENDING], ids=["thinking", "speaking", "ending"])


def run(sound: Utterance) -> tuple[Room, Result]:
    room = Room(QUESTION, sound)
    return room, run_virtual(room.run())


@ANY
def test_a_murmur_lets_the_reply_come_to_its_end(part: tuple[float, float]) -> None:
    """livekit#4039, #4243; agents-js#1229"""
    for at_s in instants(part, STEP_MS):
        room, result = run(Utterance(at_s, 0.32, "uh huh"))
        with told_with(result, at_s):
            everything_holds(result, room)
            assert room.bridge.questions == ["we live here"]
            assert played_to_the_end(result) == [1]


@ANY
def test_a_cough_lets_the_reply_come_to_its_end(part: tuple[float, float]) -> None:
    """agents-js#1229; pipecat#5240"""
    for at_s in instants(part, STEP_MS):
        room, result = run(Utterance(at_s, 0.35, ""))
        with told_with(result, at_s):
            everything_holds(result, room)
            assert room.bridge.questions == ["we live here"]
            assert played_to_the_end(result) == [1]


@ANY
def test_a_stop_is_followed_by_silence(part: tuple[float, float]) -> None:
    """livekit#3418, #4413"""
    for at_s in instants(part, STEP_MS):
        room, result = run(Utterance(at_s, 0.35, "stop"))
        with told_with(result, at_s):
            everything_holds(result, room)
            for cut in result.of("interrupt"):
                assert cut["reason"] == "stop-word"
                assert cut["t"] <= at_s + 0.35 + 0.16
            if at_s < TRANSCRIBED_S:
                assert room.bridge.questions in ([], ["we live here"])
                assert result.runs == []
            elif at_s < LAST_SAMPLE_S - NOTICED_S:
                assert room.bridge.questions == ["we live here"]
            assert not played_to_the_end(result) or at_s > LAST_SAMPLE_S - 0.35 - 0.16


def test_several_murmurs_in_one_reply_do_not_add_up() -> None:
    """agents-js#3515; and each resume begins where its own pause was"""
    room = Room(
        QUESTION,
        *(Utterance(2.1 + 0.9 * number, 0.32, "mhm") for number in range(4)),
        words=lambda _: 20,
    )
    result = run_virtual(room.run())
    with told_with(result, 2.1):
        everything_holds(result, room)
        assert len(result.of("pause")) == len(result.of("resume")) == 4
        assert played_to_the_end(result) == [1]
