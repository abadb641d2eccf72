"""Our own STT server judges interruptions, our bridge is told of them, our TTS times the words."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from interject.satellite.transports.direct.server import Server, fixed
from interject.satellite.transports.wyoming.transport import HomeAssistantSettings
from interject.wire.errors import PeerGoneError
from interject.wire.events import WordMark
from tools.fake_home_assistant.script import Reply, Turn, tone
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.home_assistant_house import house, quiet, voice
from tools.virtual.network import FakeServer, Network
from tools.virtual.servers import FakeBridge, FakeStt
from tools.virtual.signals import magnitude

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.virtual.home_assistant_house import House

# The scripted STT server knows an utterance by its samples.
SECOND, THIRD = magnitude(2), magnitude(3)
OLD, NEW = tone(20.0), tone(3.0, value=7)
LIGHT = Turn("turn on the light", Reply("Done.", NEW))


def parts(*servers: FakeServer) -> dict[str, Any]:
    network = Network(*servers)
    kinds = {FakeStt: "stt", FakeBridge: "llm"}
    return {kinds[type(server)]: Server("own", fixed(server.uri), network.connect) for server in servers}


async def interrupted_by(here: House, text: str, then: Callable[[], None]) -> None:
    """Say something into a reply; `then` is what a conversation does with the text."""
    told = here.room.transcribed

    def transcribed(stream: int, heard: str, confidence: float | None) -> None:
        if stream == 2:
            assert heard == text
            here.room.transcripts[stream] = heard
            then()
            here.room.changed.set()
        else:
            told(stream, heard, confidence)

    here.room.transcribed = transcribed  # type: ignore[method-assign, assignment]
    await here.speak(1, voice(1.0))
    await here.speaking(1)
    await here.speak(2, voice(0.5, SECOND))
    await here.room.until(lambda: 2 in here.room.transcripts)


def test_uh_huh_is_heard_by_our_own_stt_and_home_assistant_never_knows() -> None:
    async def main() -> None:
        stt = FakeStt({2: ("uh-huh", 8000)})
        async with house([Turn("one", Reply("Old.", OLD))], parts=parts(stt)) as here:
            await interrupted_by(here, "uh-huh", lambda: None)
            await elapse(5)
            assert here.from_satellite("run-pipeline") == ["null", "run-pipeline"]
            assert len(here.home.utterances) == 1
            await here.answered(1)
            assert here.room.audio[1] == OLD
        await stt.stop()

    run_virtual(main())


def test_words_made_out_by_our_own_stt_reach_home_assistant_as_audio() -> None:
    async def main() -> None:
        stt = FakeStt({2: ("turn on the light", 8000)})
        async with house([Turn("one", Reply("Old.", OLD)), LIGHT], parts=parts(stt)) as here:
            await interrupted_by(here, "turn on the light", lambda: here.interrupt(1))
            await elapse(0.6)
            here.transport.ask(2, "turn on the light")
            await here.answered(2)
            assert here.home.utterances[1].audio == voice(0.5, SECOND)
            assert here.room.audio[2] == NEW
        await stt.stop()

    run_virtual(main())


def test_the_user_goes_on_after_words_that_our_own_stt_made_out() -> None:
    async def main() -> None:
        stt = FakeStt({2: ("turn on", 8000)})
        async with house([Turn("one", Reply("Old.", OLD)), LIGHT], parts=parts(stt)) as here:
            await interrupted_by(here, "turn on", lambda: here.interrupt(1))
            here.room.asks = False
            here.transport.open_stt(3)
            await here.say(3, voice(0.5, THIRD))
            here.room.asks = True
            here.room.epoch = 1
            here.transport.end_stt(3)
            await here.answered(2)
            assert here.home.utterances[1].audio == voice(0.5, SECOND) + voice(0.5, THIRD)
            assert here.room.transcripts[3] == "turn on the light"
        await stt.stop()

    run_virtual(main())


def test_after_a_stop_word_our_own_stt_may_take_its_time_and_its_text_is_still_told() -> None:
    async def main() -> None:
        # A Pi that decodes with Whisper.
        stt = FakeStt({2: ("stop and turn on the light", 8000)}, final_s=6.0)
        async with house([Turn("one", Reply("Old.", OLD))], parts=parts(stt)) as here:
            await here.speak(1, voice(1.0))
            await here.speaking(1)
            here.transport.open_stt(2)
            await here.say(2, voice(0.3, SECOND))
            here.interrupt(1, "stop-word")
            await here.say(2, voice(0.2, SECOND))
            here.transport.end_stt(2)
            await here.room.until(lambda: 2 in here.room.transcripts)
            assert here.room.transcripts[2] == "stop and turn on the light"
        await stt.stop()

    run_virtual(main())


@pytest.mark.parametrize("reason", ["speech", "early"])
def test_the_bridge_is_told_what_was_heard(reason: str) -> None:
    async def main() -> None:
        bridge = FakeBridge(lambda _: 3)
        settings = HomeAssistantSettings(satellite_id="Kitchen")
        turns = [Turn("one", Reply("Old.", OLD, thinking_s=3.0 if reason == "early" else 0.0)), LIGHT]
        async with house(turns, settings, parts(bridge)) as here:
            await here.speak(1, voice(1.0) + quiet(0.5))
            await here.room.until(lambda: here.room.audio.get(1) if reason == "speech" else here.room.transcripts)
            here.transport.open_stt(2)
            await here.say(2, voice(0.5, SECOND))
            here.interrupt(1, reason)
            here.transport.end_stt(2)
            await here.answered(2)
            assert here.room.corrected
            (_, said) = here.home.utterances
            # Nothing was heard of an answer: the question goes on.
            assert said.audio.endswith(voice(0.5, SECOND))
            assert said.audio.startswith(voice(1.0)) is (reason == "early")
        await bridge.stop()

    run_virtual(main())


class Marks:
    def __init__(self, *marks: WordMark) -> None:
        self.marks = marks

    async def watch(self) -> None:
        await asyncio.Event().wait()

    async def marks_of(self, text: str) -> tuple[WordMark, ...]:
        await elapse(1)
        if not self.marks:
            raise PeerGoneError("tcp://nowhere:1")
        return self.marks


@pytest.mark.parametrize(
    ("marks", "taken"),
    [
        pytest.param(Marks(WordMark("Done.", 0, 2900)), True, id="as-long"),
        pytest.param(Marks(WordMark("Done.", 0, 1900)), False, id="another-voice"),
        pytest.param(Marks(), False, id="server-away"),
    ],
)
def test_word_marks_are_used_if_they_fit_the_speech(marks: Marks, taken: bool) -> None:
    async def main() -> None:
        async with house([LIGHT], parts={"marks": marks}) as here:
            await here.speak(1, voice(1.0))
            await here.answered(1)
            await elapse(5)
            assert tuple(here.room.marks.get(1, ())) == (marks.marks if taken else ())

    run_virtual(main())


def test_a_stop_that_our_own_stt_understood_is_no_part_of_the_next_turn() -> None:
    async def main() -> None:
        stt = FakeStt({2: ("stop", 8000)})
        async with house([Turn("tell me", Reply("Once.", OLD)), LIGHT], parts=parts(stt)) as here:
            await interrupted_by(here, "stop", lambda: here.interrupt(1, "stop-word"))
            # A conversation asks nothing, and forgets it.
            here.transport.abort_stt(2)
            await here.speak(3, voice(1.0))
            await here.answered(2)
            assert here.home.utterances[1].audio == voice(1.0)
        await stt.stop()

    run_virtual(main())
