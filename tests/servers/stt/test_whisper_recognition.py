"""When Whisper decodes what: by a model that says how much it was given, and a VAD that hears loudness."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from interject.servers.stt.engines.base import Request
from interject.servers.stt.engines.faster_whisper import WhisperOptions, whisper_options
from interject.servers.stt.engines.model_access import PARTIAL_SHARE, ModelAccess
from interject.servers.stt.engines.voice import Voice
from interject.servers.stt.engines.whisper_recognition import WhisperRecognition
from interject.servers.stt.settings import SttSettings
from tests.servers.stt.harness import CHUNK_BYTES, RATE, silence

OPTIONS: WhisperOptions = whisper_options(SttSettings(model="tiny.en", beam_size=5))

# With 10 s the real model said "What time is it?" four times, with 15 s once.
SHORT_FRAMES = 1000


class LoudnessVad:
    def run(self, _: None, given: dict[str, Any]) -> tuple[Any, Any, Any]:
        loud = np.abs(given["input"]).max() > 0.1
        return np.array([[0.9 if loud else 0.0]]), given["h"], given["c"]


class Model:
    """Says how many seconds it was given; with a short window, what it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, int]] = []
        self.says_in_short_windows: str | None = None

    def transcribe(self, samples: Any, **how: Any) -> tuple[list[Any], Any]:
        seconds = round(len(samples) / RATE, 1)
        self.calls.append((seconds, how["beam_size"]))
        word = SimpleNamespace(word=f" {seconds}", start=0.0, end=seconds, probability=0.9)
        figures = {"tokens": [1, 2], "avg_logprob": -0.2, "no_speech_prob": 0.1}
        told = self.says_in_short_windows if how["least_frames"] <= SHORT_FRAMES else None
        segment = SimpleNamespace(text=told or f" {seconds} s", words=[word], **figures)
        return [segment], SimpleNamespace(language="en")

    @property
    def finals(self) -> list[float]:
        return [seconds for seconds, beam_size in self.calls if beam_size == OPTIONS.beam_size]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def access() -> ModelAccess:
    return ModelAccess()


@pytest.fixture
def recognition(model: Model, access: ModelAccess) -> WhisperRecognition:
    return WhisperRecognition(model, OPTIONS, "en", Request(), Voice(LoudnessVad()), access)


def speech(seconds: float) -> bytes:
    return np.full(int(RATE * seconds), 9000, "<i2").tobytes()


def hear(recognition: WhisperRecognition, pcm: bytes) -> list[str]:
    """Let it hear chunk by chunk; return the hypotheses."""
    found = (recognition.hear(pcm[start : start + CHUNK_BYTES]) for start in range(0, len(pcm), CHUNK_BYTES))
    return [" ".join(word.text for word in hypothesis.words) for hypothesis in found if hypothesis is not None]


def test_the_final_text_is_there_when_only_silence_follows(recognition: WhisperRecognition, model: Model) -> None:
    hear(recognition, silence(0.5) + speech(1.0) + silence(0.4))
    (decoded_s,) = model.finals
    assert 1.6 <= decoded_s <= 1.8
    before = len(model.calls)
    assert recognition.finish(silence(0.2)).text == f"{decoded_s} s"
    assert len(model.calls) == before


def test_it_is_thrown_away_when_speech_goes_on(recognition: WhisperRecognition, model: Model) -> None:
    hear(recognition, speech(1.0) + silence(0.4) + speech(0.4))
    assert recognition.finish(speech(0.2)).text == "2.0 s"
    assert model.finals[-1] == 2.0


def test_each_pause_is_decoded_once_and_is_news(recognition: WhisperRecognition, model: Model) -> None:
    heard = hear(recognition, speech(1.0) + silence(1.0) + speech(1.0) + silence(1.0))
    assert len(model.finals) == 2
    assert {str(seconds) for seconds in model.finals} <= set(heard)


def test_what_was_decoded_after_the_voice_had_ended_is_not_decoded_again(model: Model, access: ModelAccess) -> None:
    one_hypothesis = dataclasses.replace(OPTIONS, beam_size=1)
    recognition = WhisperRecognition(model, one_hypothesis, "en", Request(), Voice(LoudnessVad()), access)
    hear(recognition, silence(0.5) + speech(0.25))
    # All the while another one has the model; the first pass comes late.
    with access.final():
        hear(recognition, silence(0.1))
    before = len(model.calls)
    hear(recognition, silence(0.3))
    (decoded_s, _), *more = model.calls[before:]
    assert not more
    assert recognition.finish(silence(0.2)).text == f"{decoded_s} s"
    assert len(model.calls) == before + 1


def test_silence_after_the_pause_is_not_decoded_again(recognition: WhisperRecognition, model: Model) -> None:
    hear(recognition, speech(1.0) + silence(0.4))
    before = len(model.calls)
    assert hear(recognition, silence(2.0)) == []
    assert len(model.calls) == before


def test_what_no_vad_hears_is_transcribed_at_the_end(recognition: WhisperRecognition, model: Model) -> None:
    assert hear(recognition, silence(1.0)) == []
    assert recognition.finish().text == "1.0 s"


def test_the_first_pass_waits_for_enough_of_a_voice(recognition: WhisperRecognition, model: Model) -> None:
    assert hear(recognition, silence(1.2) + speech(0.25)) == []
    assert hear(recognition, speech(0.2)) != []


@pytest.mark.parametrize(
    "said", ["What time is it? What time is it?", "Right. Right. Right. Right. Ri", "So I went, I went there"]
)
def test_what_is_said_over_and_over_is_decoded_again_with_a_longer_window(
    recognition: WhisperRecognition, model: Model, said: str
) -> None:
    model.says_in_short_windows = said
    hear(recognition, speech(1.0))
    again = len(model.calls)
    assert recognition.finish(speech(0.5)).text == "1.5 s"
    # What has repeated itself once does so again: the rest is given the longer window at once.
    assert len(model.calls) == again + 1


@pytest.mark.parametrize("said", ["Stop.", "No, no.", "Turn on the light in the kitchen and the light in the hall."])
def test_what_people_say_is_decoded_once(recognition: WhisperRecognition, model: Model, said: str) -> None:
    model.says_in_short_windows = said
    assert recognition.finish(speech(1.0)).text == said


def test_while_another_has_the_model_nothing_ahead_of_the_end_waits_for_it(
    recognition: WhisperRecognition, model: Model, access: ModelAccess
) -> None:
    with access.final():
        assert hear(recognition, speech(1.0) + silence(0.4)) == []
    hear(recognition, silence(0.02))
    assert model.finals == [1.4]


def test_who_was_refused_a_decoding_ahead_goes_before_partial_results(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr("interject.servers.stt.engines.model_access.time", SimpleNamespace(monotonic=lambda: now_s))
    access = ModelAccess()
    with access.final(), access.ahead() as refused:
        assert not refused
    with access.partial() as mine:
        assert not mine
    with access.ahead() as mine:
        assert mine
    with access.partial() as mine:
        assert mine
    with access.final(), access.ahead() as refused:
        assert not refused
    # Its client has gone, or does not send any more.
    now_s += 1.0
    with access.partial() as mine:
        assert mine


@pytest.mark.parametrize("rooms", [1, 2, 5])
def test_partial_results_of_all_rooms_leave_some_of_the_time(rooms: int) -> None:
    access, took_s = ModelAccess(), 0.25
    for _ in range(rooms):
        access.open()
    period_s = access.partial_again_s(10.0, 10.0 + took_s) - 10.0
    assert rooms * took_s / period_s == pytest.approx(PARTIAL_SHARE)
    for _ in range(rooms - 1):
        access.close()
    assert access.partial_again_s(10.0, 10.0 + took_s) == pytest.approx(10.0 + took_s / PARTIAL_SHARE)
