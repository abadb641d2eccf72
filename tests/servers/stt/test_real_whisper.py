"""Whisper tiny.en as it is, where its package is installed: script/setup --dev-models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from satellite.turn.backchannel import words_of
from satellite.turn.settings import TurnSettings
from script.support.dev_models import whisper_tiny_en
from servers.stt.engines.base import Request
from servers.stt.engines.faster_whisper import FasterWhisperEngine, whisper_options
from servers.stt.settings import SttSettings
from tests.dev_models import or_skip
from tests.servers.stt.harness import CHUNK_BYTES, clip, silence

if TYPE_CHECKING:
    from servers.stt.engines.base import Transcription

pytestmark = pytest.mark.slow
BELIEVED = TurnSettings().word_confidence


@pytest.fixture(scope="module")
def engine() -> FasterWhisperEngine:
    model = or_skip(whisper_tiny_en)
    made = FasterWhisperEngine(whisper_options(SttSettings(model=str(model), cpu_threads=1)))

    async def load() -> None:
        await made.start()
        await made.ready()

    asyncio.run(load())
    return made


def transcribed(engine: FasterWhisperEngine, pcm: bytes) -> Transcription:
    recognition = engine.open(Request(language="en"))
    try:
        for start in range(0, len(pcm), CHUNK_BYTES):
            recognition.hear(pcm[start : start + CHUNK_BYTES])
        return recognition.finish()
    finally:
        recognition.close()


@pytest.mark.parametrize("name", ["what_time_is_it", "turn_on_the_kitchen_light", "tell_me_a_long_story", "stop"])
def test_what_somebody_says_is_right_and_believed(engine: FasterWhisperEngine, name: str) -> None:
    best = transcribed(engine, silence(0.5) + clip(name) + silence(0.4))
    assert words_of(best.text) == name.split("_")
    assert best.confidence is not None
    assert best.confidence >= BELIEVED


def test_what_it_makes_of_a_cough_is_not_believed(engine: FasterWhisperEngine) -> None:
    best = transcribed(engine, silence(0.5) + clip("cough") + silence(0.4))
    assert not words_of(best.text) or (best.confidence or 0.0) < BELIEVED


def test_what_it_makes_of_noise_is_not_believed(engine: FasterWhisperEngine) -> None:
    noise = np.random.default_rng(1).normal(0, 2000, 32_000).astype("<i2").tobytes()
    best = transcribed(engine, noise)
    assert not words_of(best.text) or (best.confidence or 0.0) < BELIEVED
