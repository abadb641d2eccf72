"""A stop word is heard as an utterance begins, and nowhere else."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.frontend.preroll import PreRoll
from interject.satellite.wake.base import RATE_HZ
from interject.satellite.wake.stop_grammar import PHRASES, Reading, StopDecoder, is_english, is_installed
from interject.satellite.wake.stop_search import STANDS_MS, StopFound, StopWordSearch
from tests.satellite.frontend.speech import CLIPS, clip, white_noise
from tools.testing.patience import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.satellite.audio.base import Samples

BLOCK = 320
STOP = PHRASES[0]
# Read here, since nothing may read a file in an event loop.
_CLIPS = {path.stem: clip(path.stem) for path in CLIPS.glob("*.wav")}
needs_library = pytest.mark.skipif(not is_installed(), reason="pocketsphinx has no wheel for this Python")


def room(*pieces: Samples | float, gain: float = 1.0) -> Samples:
    """Join clips and seconds of silence, above the noise of a quiet room."""
    joined = np.concatenate([np.zeros(round(it * RATE_HZ)) if isinstance(it, float) else it * gain for it in pieces])
    return (joined + white_noise(len(joined), -72) * 32_767).astype(np.int16)


@asynccontextmanager
async def searching(search: StopWordSearch) -> AsyncIterator[list[StopFound]]:
    found: list[StopFound] = []
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(search.run(found.append))
        yield found
        task.cancel()


async def heard_in(search: StopWordSearch, samples: Samples, onset_s: float) -> list[StopFound]:
    """Let a search hear samples, in which somebody is found to speak 60 ms after the onset; return what it found."""
    ring, onset = PreRoll(RATE_HZ), round(onset_s * RATE_HZ)
    async with searching(search) as found:
        for end in range(BLOCK, len(samples) + 1, BLOCK):
            ring.append(samples[end - BLOCK : end])
            search.follow(ring, onset if end >= onset + RATE_HZ * 6 // 100 else None)
        await eventually(lambda: search.idle, "the search to hear all")
    return found


@needs_library
@pytest.mark.parametrize("gain", [1.0, 0.1])
async def test_stop_is_heard_before_it_has_faded_loud_or_soft(gain: float) -> None:
    (found,) = await heard_in(StopWordSearch(), room(1.0, _CLIPS["stop"], 1.0, gain=gain), 1.0)
    assert found.phrase.text == "stop"
    assert (found.heard_index - found.onset_index) / RATE_HZ < 0.75
    assert found.stood_ms >= STANDS_MS


@needs_library
@pytest.mark.parametrize("name", ["uh_huh", "what_time_is_it", "turn_on_the_kitchen_light", "tell_me_a_story", "cough"])
async def test_what_else_is_said_is_no_stop_word(name: str) -> None:
    assert not await heard_in(StopWordSearch(), room(1.0, _CLIPS[name], 1.0), 1.0)


@needs_library
async def test_stop_within_a_sentence_is_a_word_of_it() -> None:
    samples = room(1.0, _CLIPS["what_time_is_it"][:9_600], _CLIPS["stop"], 1.0)
    assert not await heard_in(StopWordSearch(), samples, 1.0)


class Deciding:
    """A decoder that finds a phrase in loud samples of a level, and remembers nothing."""

    def __init__(self) -> None:
        self.fed = 0
        self.begun = 0

    def begin(self) -> None:
        self.begun += 1

    def feed(self, pcm: bytes) -> Reading | None:
        self.fed += 1
        return Reading(STOP, 200.0) if np.frombuffer(pcm, "<i2").max() > 1_000 else None

    def end(self) -> None:
        """Nothing is kept."""


def loud(seconds: float) -> Samples:
    return np.full(round(seconds * RATE_HZ), 2_000, np.int16)


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


async def test_what_is_a_stop_word_for_a_moment_only_is_none() -> None:
    brief, long = STANDS_MS / 1000 - 0.02, STANDS_MS / 1000 + 0.04
    search = StopWordSearch(Deciding)
    samples = np.concatenate([quiet(1.0), loud(brief), quiet(0.04), loud(brief), quiet(2.0)])
    assert not await heard_in(search, samples, 1.0)
    assert await heard_in(StopWordSearch(Deciding), np.concatenate([quiet(1.0), loud(long), quiet(2.0)]), 1.0)


async def test_an_utterance_is_no_stop_word_any_more_when_it_has_gone_on_for_long() -> None:
    samples = np.concatenate([quiet(2.4), loud(1.0)])
    assert not await heard_in(StopWordSearch(Deciding), samples, 1.0)


async def test_each_utterance_stops_once() -> None:
    assert len(await heard_in(StopWordSearch(Deciding), np.concatenate([quiet(1.0), loud(2.0)]), 1.0)) == 1


async def test_nothing_is_decoded_while_nobody_speaks() -> None:
    decoder = Deciding()
    search = StopWordSearch(lambda: decoder)
    ring = PreRoll(RATE_HZ)
    async with searching(search):
        for _ in range(100):
            ring.append(loud(0.02))
            search.follow(ring, None)
        await eventually(lambda: search.idle, "the search to hear all")
    assert not decoder.begun


@needs_library
def test_the_decoder_begins_each_utterance_anew() -> None:
    decoder = StopDecoder()
    samples = room(0.2, _CLIPS["stop"], 0.3)

    def hear() -> list[Reading | None]:
        decoder.begin()
        return [decoder.feed(samples[at : at + BLOCK].tobytes()) for at in range(0, len(samples) - BLOCK, BLOCK)]

    assert hear() == hear()
    assert STOP in [reading.phrase for reading in hear() if reading is not None]


@pytest.mark.parametrize(("language", "english"), [(None, True), ("en", True), ("en_GB", True), ("de-DE", False)])
def test_stop_words_are_english(language: str | None, english: bool) -> None:
    assert is_english(language) is english


async def test_a_library_that_does_not_work_is_told_and_ends_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> StopDecoder:
        raise OSError("libpocketsphinx.so: cannot open shared object file")

    await StopWordSearch(broken).run(lambda _: None)
    assert "libpocketsphinx.so" in caplog.text
