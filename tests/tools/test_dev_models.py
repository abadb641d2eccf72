"""The models that come as packages: found, and what the engines take."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from piper import PiperVoice

from interject.satellite.audio.wav import read_wav
from interject.satellite.turn.lexicon import words_of
from tests.dev_models import or_skip
from tools.bench.real.words import Clip, Ear, Recogniser
from tools.harness.dev_models import FETCH_COMMAND, JOE_VOICE, DevModelMissingError, piper_joe, whisper_tiny_en
from tools.harness.scenarios import CLIPS


def test_who_lacks_a_model_is_told_how_to_fetch_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    for find in (whisper_tiny_en, piper_joe):
        with pytest.raises(DevModelMissingError, match=FETCH_COMMAND):
            find()


@pytest.mark.slow
def test_whisper_hears_with_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its progress bar, which nobody sees, has a thread that watches it.
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)
    recogniser = Recogniser(or_skip(whisper_tiny_en))
    samples = read_wav(CLIPS / "tell_me_a_long_story.wav", 16_000)
    heard = recogniser.transcribe(Clip(Ear.MIC, 0.0, "tell me a long story", samples))
    assert words_of(heard.transcript) == ["tell", "me", "a", "long", "story"]


@pytest.mark.slow
def test_piper_speaks_with_its_voice() -> None:
    voice = PiperVoice.load(or_skip(piper_joe) / f"{JOE_VOICE}.onnx")
    said = np.concatenate([part.audio_float_array for part in voice.synthesize("Once upon a time.")])
    assert 0.5 < len(said) / voice.config.sample_rate < 3
    assert np.abs(said).max() > 0.1
