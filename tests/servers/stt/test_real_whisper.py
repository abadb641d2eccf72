"""Whisper tiny.en as it is, where its package is installed: script/setup --dev-models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.turn.dialogue_act import dialogue_act
from interject.satellite.turn.floor import Said, decide
from interject.satellite.turn.lexicon import words_of
from interject.satellite.turn.settings import TurnSettings
from interject.servers.stt.engines.base import Request
from interject.servers.stt.engines.faster_whisper import FasterWhisperEngine, whisper_options
from interject.servers.stt.settings import SttSettings
from tests.dev_models import or_skip
from tests.servers.stt.harness import CHUNK_BYTES, clip, silence
from tools.harness.dev_models import whisper_tiny_en

if TYPE_CHECKING:
    from interject.servers.stt.engines.base import Transcription

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


def takes_floor(best: Transcription) -> bool:
    """Tell whether it would cut a reply off."""
    said = Said(best.text, dialogue_act(best.text), speech_ms=500.0, confidence=best.confidence, final=True)
    return decide(said, TurnSettings()).takes_floor


@pytest.mark.parametrize("name", ["what_time_is_it", "turn_on_the_kitchen_light", "tell_me_a_long_story", "stop"])
def test_what_somebody_says_is_right_and_believed(engine: FasterWhisperEngine, name: str) -> None:
    best = transcribed(engine, silence(0.5) + clip(name) + silence(0.4))
    assert words_of(best.text) == name.split("_")
    assert best.confidence is not None
    assert best.confidence >= BELIEVED


def test_what_it_makes_of_a_cough_takes_no_floor(engine: FasterWhisperEngine) -> None:
    best = transcribed(engine, silence(0.5) + clip("cough") + silence(0.4))
    assert not takes_floor(best), best


def test_what_it_makes_of_noise_takes_no_floor(engine: FasterWhisperEngine) -> None:
    noise = np.random.default_rng(1).normal(0, 2000, 32_000).astype("<i2").tobytes()
    best = transcribed(engine, noise)
    assert not takes_floor(best), best
