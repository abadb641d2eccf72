"""Who says "stop" into a reply silences it, in any mode and without a recogniser; a reply's own "stop" does not."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.conversation.loop import WordListeners
from interject.satellite.turn.settings import BargeIn, Judgement, TurnSettings
from interject.satellite.turn.state import Phase
from interject.satellite.wake.stop_grammar import PHRASES, Reading, is_installed
from interject.satellite.wake.stop_search import StopWordSearch
from interject.wire.events import WordMark
from tests.satellite.frontend.speech import clip
from tests.satellite.talk import Talk, phase_of
from tools.testing.patience import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


needs_library = pytest.mark.skipif(not is_installed(), reason="pocketsphinx has no wheel for this Python")
STOP_CLIP, QUESTION_CLIP = clip("stop"), clip("what_time_is_it")


class Everything:
    """Takes any utterance for a stop word."""

    def begin(self) -> None:
        """Nothing to prepare."""

    def feed(self, pcm: bytes) -> Reading | None:
        return Reading(PHRASES[0], 200.0) if np.frombuffer(pcm, "<i2").max() > 1_000 else None

    def end(self) -> None:
        """Nothing is kept."""


@asynccontextmanager
async def talking(search: StopWordSearch, settings: TurnSettings | None = None) -> AsyncIterator[Talk]:
    talk = Talk(settings, words=WordListeners(stop=search))
    running = asyncio.create_task(talk.it.run())
    try:
        yield talk
        await eventually(lambda: search.idle, "the search to hear all")
    finally:
        running.cancel()


@needs_library
@pytest.mark.parametrize("barge_in", [BargeIn.SPEECH, BargeIn.WAKE_WORD, BargeIn.STOP_WORD])
@pytest.mark.parametrize("judgement", Judgement)
async def test_stop_silences_a_reply_without_a_recogniser(barge_in: BargeIn, judgement: Judgement) -> None:
    search = StopWordSearch()
    async with talking(search, TurnSettings(barge_in=barge_in, judgement=judgement)) as talk:
        talk.speaking()
        talk.hears(STOP_CLIP)
        await eventually(lambda: talk.trace.of("detection"), "the satellite to hear it")
        talk.silence(2.0)
        if phase_of(talk) is not Phase.IDLE:
            talk.it.transcribed(1, "Bye.")
    (interrupt,) = talk.transport.interrupts
    assert interrupt.heard.split()
    assert interrupt.reason == "stop-word"
    assert phase_of(talk) is Phase.IDLE
    (found,) = talk.trace.of("stop-word")
    assert (found["phrase"], found["verdict"], found["reason"]) == ("stop", "taken", None)
    assert not talk.transport.questions[1:]


@needs_library
@pytest.mark.parametrize(("text", "asked"), [("Stop.", []), ("", []), ("stop the timer", ["stop the timer"])])
async def test_who_goes_on_after_stop_asks_something(text: str, asked: list[str]) -> None:
    search = StopWordSearch()
    async with talking(search) as talk:
        talk.speaking()
        talk.hears(STOP_CLIP)
        await eventually(lambda: talk.trace.of("detection"), "the satellite to hear it")
        assert talk.transport.interrupts
        talk.it.partial(1, text)
        talk.silence(2.0)
        talk.it.transcribed(1, text)
    assert [question for _, question in talk.transport.questions[1:]] == asked


@needs_library
async def test_where_nothing_interrupts_no_stop_word_does() -> None:
    search = StopWordSearch()
    async with talking(search, TurnSettings(barge_in=BargeIn.OFF)) as talk:
        talk.speaking()
        talk.hears(STOP_CLIP)
        talk.silence(0.5)
    assert not talk.trace.of("stop-word")
    assert phase_of(talk) is Phase.SPEAKING


@needs_library
async def test_a_question_is_none() -> None:
    search = StopWordSearch()
    async with talking(search) as talk:
        talk.speaking()
        talk.hears(QUESTION_CLIP)
        talk.silence(0.1)
    assert not talk.trace.of("stop-word")


async def test_in_an_idle_room_nobody_can_be_stopped() -> None:
    search = StopWordSearch(Everything)
    async with talking(search) as talk:
        talk.silence(1.0)
        talk.voice(1.0)
        talk.silence(1.0)
    assert not talk.trace.of("stop-word")
    assert len(talk.transport.ended) == 1


@pytest.mark.parametrize(("ours", "counts"), [("stop", False), ("stopped", False), ("step", True)])
async def test_a_stop_word_that_the_reply_itself_says_there_is_refused(ours: str, counts: bool) -> None:
    search = StopWordSearch(Everything)
    async with talking(search) as talk:
        talk.it.type_text("tell me a story")
        epoch, words = talk.it.epoch, ["so"] * 4 + [ours] + ["on"] * 15
        talk.it.reply_text(epoch, " ".join(words))
        talk.it.reply_marks(epoch, tuple(WordMark(word, n * 200.0, n * 200.0 + 200) for n, word in enumerate(words)))
        talk.it.reply_audio(epoch, np.full(64_000, 100, np.int16).tobytes(), 16_000)
        talk.it.reply_ended(epoch)
        talk.silence(0.9)
        talk.voice(0.6)
        (found,) = await eventually(lambda: talk.trace.of("stop-word"), "the search to find it")
    assert (found["verdict"], found["reason"]) == (("taken", None) if counts else ("refused", "own-word"))
    assert bool(talk.transport.interrupts) is counts
    assert bool(talk.trace.of("detection")) is counts


async def test_a_breath_on_what_is_left_of_our_own_voice_is_no_stop_word() -> None:
    search = StopWordSearch(Everything)
    async with talking(search) as talk:
        talk.speaking()
        talk.voice(0.16)
        talk.silence(0.5)
        (found,) = await eventually(lambda: talk.trace.of("stop-word"), "the search to find it")
    assert (found["verdict"], found["reason"]) == ("refused", "too-short")
    assert not talk.transport.interrupts


async def test_a_stop_word_that_is_found_after_the_reply_was_cut_off_asks_nothing() -> None:
    search = StopWordSearch(Everything)
    async with talking(search) as talk:
        talk.speaking()
        talk.voice(0.7)
        talk.it.partial(1, "tell")
        assert talk.transport.interrupts
        await eventually(lambda: talk.trace.of("stop-word"), "the search to find it")
        talk.silence(1.0)
        talk.it.transcribed(1, "bye")
    assert len(talk.transport.questions) == 1
    assert phase_of(talk) is Phase.IDLE


async def test_a_muted_microphone_hears_no_stop_word() -> None:
    search = StopWordSearch(Everything)
    async with talking(search) as talk:
        talk.speaking()
        talk.it.mute()
        talk.voice(0.6)
        talk.silence(0.5)
    assert not talk.trace.of("stop-word")
