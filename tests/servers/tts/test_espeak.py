from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from wyoming.tts import SynthesizeVoice

from interject.servers.tts.engines.base import Line, Piece
from interject.servers.tts.engines.espeak import EspeakEngine
from interject.wire.errors import SettingError
from tests.servers.tts.harness import running, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from interject.servers.tts.settings import TtsSettings


TOKENS = ["in", "the", "3.5", "U.S.", "😀", "—", "x@y.com", "中文", "1,234.5", "a", "ok?", "…"]
TEXT = st.lists(st.sampled_from(TOKENS), min_size=1).map(" ".join)


class Taker:
    """Takes pieces, up to a number."""

    def __init__(self, most: int = 1_000_000) -> None:
        self.pieces: list[Piece] = []
        self.stopped = False
        self._most = most

    def deliver(self, piece: Piece) -> bool:
        self.pieces.append(piece)
        self.stopped = len(self.pieces) >= self._most
        return not self.stopped

    def on_stop(self, action: Callable[[], None]) -> None:
        pass


@pytest.fixture
async def engine(espeak_settings: TtsSettings) -> AsyncIterator[EspeakEngine]:
    engine = await asyncio.to_thread(EspeakEngine, espeak_settings)
    yield engine
    await engine.close()


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("I paid 3.5 dollars.", ["I", "paid", "3.5", "dollars."]),
        ("See https://example.com/a?b=1 now.", ["See", "https://example.com/a?b=1", "now."]),
        ("Dr. Smith is here.", ["Dr.", "Smith", "is", "here."]),
        ("I am in the house 😀 ok", ["I am", "in the", "house", "😀", "ok"]),
        ("Number 1234567 wins.", ["Number", "1234567", "wins."]),
        ("Hello — world!", ["Hello —", "world!"]),
        ("It costs $5.99 e.g. 1st", ["It", "costs", "$5.99", "e.g.", "1st"]),
    ],
)
async def test_spoken_words_are_told_as_they_are_written(engine: EspeakEngine, text: str, groups: list[str]) -> None:
    taker = Taker()
    (await engine.voice(None)).speak(Line(text, text), taker)
    assert [mark.text for piece in taker.pieces for mark in piece.marks] == groups


async def test_a_mark_says_where_the_word_sounds(engine: EspeakEngine) -> None:
    voice = await engine.voice(None)

    def marks(text: str) -> dict[str, float]:
        taker = Taker()
        voice.speak(Line(text, text), taker)
        return {mark.text: mark.end_ms - mark.start_ms for piece in taker.pieces for mark in piece.marks}

    short, long = marks("Say cat now."), marks("Say encyclopedia now.")
    assert long["encyclopedia"] > 2 * short["cat"]
    assert long["now."] == pytest.approx(short["now."], abs=30)


async def test_a_pause_after_a_word_is_no_part_of_it(engine: EspeakEngine) -> None:
    taker = Taker()
    (await engine.voice(None)).speak(Line("Hello, you.", "Hello, you."), taker)
    first, second = (piece.marks[0] for piece in taker.pieces)
    assert second.start_ms - first.end_ms > 100


async def test_audio_comes_word_by_word_and_stops_when_nobody_wants_it(engine: EspeakEngine) -> None:
    text = "One two three four five six seven eight nine ten."
    taker = Taker(most=3)
    (await engine.voice(None)).speak(Line(text, text), taker)
    assert [piece.marks[0].text for piece in taker.pieces] == ["One", "two", "three"]
    assert all(piece.pcm for piece in taker.pieces)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXT)
async def test_any_text_keeps_its_words_in_order_and_within_its_audio(engine: EspeakEngine, text: str) -> None:
    voice = await engine.voice(None)
    taker = Taker()
    voice.speak(Line(text, text), taker)
    marks = [mark for piece in taker.pieces for mark in piece.marks]
    assert " ".join(mark.text for mark in marks).split() == text.split()
    times = [time for mark in marks for time in (mark.start_ms, mark.end_ms)]
    assert times == sorted(times)
    samples = sum(len(piece.pcm) for piece in taker.pieces) // 2
    assert times[-1] <= samples * 1000 / voice.rate_hz + 0.1


async def test_voices_are_found_by_name_language_and_variant(engine: EspeakEngine) -> None:
    async def name(**wanted: str) -> str:
        return (await engine.voice(SynthesizeVoice(**wanted))).name

    assert (await engine.voice(None)).name == "gmw/en-US"
    assert await name(name="de") == await name(name="gmw/de") == await name(name="German") == "gmw/de"
    assert await name(name="de", speaker="f2") == "gmw/de+f2"
    # The default voice where it speaks the language, else the best one.
    assert await name(language="en") == "gmw/en-US"
    assert await name(language="en_GB") == "gmw/en"
    assert await name(language="de-AT") == "gmw/de"


async def test_rate_and_length_change_the_speed(espeak_settings: TtsSettings) -> None:
    lengths = []
    for changed in (
        dataclasses.replace(espeak_settings, speaking_rate=350),
        espeak_settings,
        dataclasses.replace(espeak_settings, length_scale=2.0),
    ):
        async with running(changed) as service, service.client() as client:
            lengths.append((await say(client, "A sentence of some length, please.")).audio_ms)
    assert lengths[0] < 0.7 * lengths[1] < lengths[1] < 0.7 * lengths[2]


async def test_a_wrong_voice_or_speaker_is_told_at_the_start(espeak_settings: TtsSettings) -> None:
    for changed in (
        dataclasses.replace(espeak_settings, voice="xx_nobody"),
        dataclasses.replace(espeak_settings, speaker="xx_nobody"),
    ):
        with pytest.raises(SettingError, match=r"'xx_nobody'; there are"):
            async with running(changed):
                pass


async def test_sentences_are_cut_as_the_language_of_the_voice_needs(espeak_settings: TtsSettings) -> None:
    text = "Am 3. Mai kommt er."
    async with running(dataclasses.replace(espeak_settings, voice="de")) as service, service.client() as client:
        await say(client, text)
        await say(client, text, SynthesizeVoice(name="en-us"))
    assert [record["text"] for record in service.trace.of("sentence")] == [text, "Am 3. ", "Mai kommt er."]
