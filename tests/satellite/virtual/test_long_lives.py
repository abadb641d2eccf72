"""A hundred turns, real voices with the real VAD, and what typing does to speech."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.wav import read_wav
from interject.satellite.frontend.vad import SileroVad
from interject.satellite.turn.state import Phase
from tools.testing.virtual_clock import run_virtual
from tools.virtual import checks
from tools.virtual.room import Room, Utterance
from tools.virtual.servers import FakeStt, Heard
from tools.virtual.signals import RATE_HZ
from tools.virtual.sweep import QUESTION, told_with

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples

CLIPS = Path(__file__).resolve().parents[2] / "clips"

_COLLECTIONS = (dict, list, set, tuple, bytes, bytearray, deque)


def footprint(*roots: object) -> int:
    """Return the number of containers and the length of all collections that the parts of the satellite hold."""
    seen: set[int] = set()
    waiting: list[object] = list(roots)
    total = 0
    while waiting:
        item = waiting.pop()
        ours = type(item).__module__.startswith("interject.satellite")
        if id(item) in seen or isinstance(item, type) or not (ours or isinstance(item, _COLLECTIONS)):
            continue
        seen.add(id(item))
        total += len(item) if isinstance(item, _COLLECTIONS) else 1
        waiting += gc.get_referents(item)
    return total


def test_the_hundredth_turn_is_as_the_first() -> None:
    """wyoming-satellite#154, #190, #302: every third turn is interrupted, nothing grows, no turn is late."""
    said, at_s = [], 0.3
    for number in range(100):
        said.append(Utterance(at_s, 0.6, "tell me more"))
        at_s += 1.6 if number % 3 == 0 else 2.4
    room = Room(*said, words=lambda _: 4)
    sizes: list[int] = []

    def measure() -> None:
        sizes.append(footprint(room.conversation, room.transport) + len(asyncio.all_tasks()))

    room.at = [(said[turn].at_s - 0.1, measure) for turn in range(9, 100, 30)]
    result = run_virtual(room.run(longest_s=at_s + 5))
    assert result.phase is Phase.IDLE
    assert len(result.of("ask")) == 100
    assert room.links_left == 0
    # Where in a block a turn begins makes up to 13; one thing left of each turn that was interrupted would make 30.
    assert max(sizes) <= sizes[0] + 20, sizes
    delays = [ask["t"] - said[number].at_s for number, ask in enumerate(result.of("ask"))]
    # A VAD window and a block, at each end of the question.
    assert max(delays) - min(delays) <= 2 * (0.032 + 0.02)
    assert len(result.of("interrupt")) == len(range(0, 99, 3))


def test_real_voices_through_the_real_vad() -> None:
    """livekit#3261: the interruption is whole, from before its first voiced window on."""
    question = read_wav(CLIPS / "tell_me_a_story.wav", RATE_HZ)
    interruption = read_wav(CLIPS / "what_time_is_it.wav", RATE_HZ)
    begins_s = 0.5 + len(question) / RATE_HZ + 0.6 + 1.2
    room = SpokenRoom(
        {"tell me a story": (0.5, question), "what time is it": (begins_s, interruption)},
    )
    result = run_virtual(room.run(longest_s=16.0))
    with told_with(result, begins_s):
        checks.nothing_old_plays(result)
        checks.what_was_heard_is_what_was_played(result)
        checks.history_says_what_was_heard(result)
        checks.the_room_is_at_rest(result, room)
        (cut,) = result.of("interrupt")
        assert cut["t"] <= begins_s + 1.0
        streams = [heard.audio() for heard in result.stt.heard if heard.whole]
        begin = round(begins_s * RATE_HZ)
        whole = result.mic[begin : begin + len(interruption) - RATE_HZ // 5]
        assert any(whole.tobytes() in audio.tobytes() for audio in streams)
        assert [message.content for message in result.bridge.history()][::2] == ["tell me a story", "what time is it"]


class SpokenStt(FakeStt):
    """Knows a recording by its loudest part."""

    def __init__(self) -> None:
        super().__init__({})
        self.keys: dict[str, bytes] = {}

    def _text(self, heard: Heard) -> str:
        got = b"".join(heard.pieces)
        return " ".join(text for text, key in self.keys.items() if key in got)


class SpokenRoom(Room):
    """A room in which recordings are said: text to when and what."""

    def __init__(self, clips: dict[str, tuple[float, Samples]]) -> None:
        said = [Utterance(at_s, len(clip) / RATE_HZ, text) for text, (at_s, clip) in clips.items()]
        spoken = SpokenStt()
        super().__init__(*said, vad=SileroVad(), words=lambda _: 20, stt=spoken)
        self._clips = clips
        self._spoken = spoken

    def _mic(self, longest_s: float) -> Samples:
        mic = np.random.default_rng(7).integers(-3, 4, round(longest_s * RATE_HZ)).astype(np.int16)
        for text, (at_s, clip) in self._clips.items():
            start = round(at_s * RATE_HZ)
            mic[start : start + len(clip)] += clip
            peak = start + int(np.argmax(np.abs(clip.astype(np.int32))))
            self._spoken.keys[text] = mic[peak - 100 : peak + 100].tobytes()
        return mic


def test_typing_into_a_reply_takes_the_floor_at_once() -> None:
    for at_s in np.arange(1.0, 3.6, 0.07):
        room = Room(QUESTION)
        room.at = [(float(at_s), lambda room=room: room.conversation.type_text("and in french"))]  # type: ignore[misc]
        result = run_virtual(room.run())
        with told_with(result, float(at_s)):
            checks.everything_holds(result, room)
            assert " ".join(room.bridge.questions).count("and in french") == 1
            assert checks.played_to_the_end(result)[-1] == result.of("ask")[-1]["epoch"]
