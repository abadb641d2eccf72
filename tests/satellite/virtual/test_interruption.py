"""A second question, begun in every window that the VAD hears of a turn."""

from __future__ import annotations

import pytest

from interject.servers.llm.turns import Role
from tools.testing.virtual_clock import run_virtual
from tools.virtual.checks import everything_holds, played_to_the_end
from tools.virtual.room import Room, Utterance
from tools.virtual.sweep import QUESTION, instants, told_with

# Where the parts of a turn lie when nobody interrupts, with margin at both ends.
PARTS = {
    "the silence that ends the question": (0.95, 1.55),
    "its transcript and the thinking": (1.55, 1.80),
    "the first words": (1.80, 2.30),
    "the middle": (2.30, 2.90),
    "the last words": (2.90, 3.45),
    "after the last sample": (3.45, 3.70),
}
# No window of 32 ms is left out, and each step begins elsewhere in its window and in its block of 20 ms.
STEP_MS = 31


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_second_question_is_answered_once_whenever_it_comes(part: tuple[float, float]) -> None:
    """pipecat#3986, #4996, #5426, #4412; livekit#2607, #5509, #3418, #3261; agents-js#1791"""
    for at_s in instants(part, STEP_MS):
        room = Room(QUESTION, Utterance(at_s, 0.48, "tell me more"))
        result = run_virtual(room.run())
        with told_with(result, at_s):
            everything_holds(result, room)
            asked = [message.content for message in result.bridge.history() if message.role is Role.USER]
            assert asked in (["we live here tell me more"], ["we live here", "tell me more"])
            assert played_to_the_end(result)[-1] == result.of("ask")[-1]["epoch"]
            assert len(result.of("ask")) == len(result.of("interrupt")) + len(result.of("reply-played"))
