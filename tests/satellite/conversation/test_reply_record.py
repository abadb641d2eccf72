from __future__ import annotations

import numpy as np
import pytest

from interject.satellite.conversation.playback import ReplyRecord
from interject.wire.events import WordMark

TEXT = "once upon a time there was a lighthouse"


def tone(seconds: float, rate_hz: int) -> bytes:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return (8_000 * np.sin(2 * np.pi * 440 * times)).astype("<i2").tobytes()


@pytest.mark.parametrize("source_hz", [16_000, 22_050, 24_000, 48_000])
@pytest.mark.parametrize("device_hz", [16_000, 48_000])
def test_speech_of_any_rate_keeps_its_length(source_hz: int, device_hz: int) -> None:
    record = ReplyRecord(1, device_hz)
    audio = tone(1.0, source_hz)
    pieces = [record.convert(audio[first : first + 2048], source_hz) for first in range(0, len(audio), 2048)]
    samples = np.concatenate([*pieces, record.rest()])
    assert abs(len(samples) - device_hz) <= 2
    assert record.audio_ms == pytest.approx(1000)


def test_a_rate_that_changes_midway_loses_no_sound() -> None:
    record = ReplyRecord(1, 16_000)
    parts = [record.convert(tone(0.5, 22_050), 22_050), record.convert(tone(0.5, 24_000), 24_000), record.rest()]
    assert abs(len(np.concatenate(parts)) - 16_000) <= 4


def test_volume_makes_softer_and_never_wraps_around() -> None:
    loud = np.full(100, 30_000, "<i2").tobytes()
    assert set(ReplyRecord(1, 16_000, 0.5).convert(loud, 16_000)) == {15_000}
    assert set(ReplyRecord(1, 16_000, 3.0).convert(loud, 16_000)) == {32_767}


def test_a_reply_without_audio_has_nothing_to_give() -> None:
    assert len(ReplyRecord(1, 16_000).rest()) == 0


def test_words_are_heard_by_the_marks_of_the_server() -> None:
    marks = [WordMark(word, number * 300, number * 300 + 250) for number, word in enumerate(TEXT.split())]
    record = ReplyRecord(1, 16_000, text=TEXT, marks=marks)
    assert record.heard(0) == ""
    assert record.heard(849) == "once upon"
    assert record.heard(850) == "once upon a"
    assert record.heard(10_000) == TEXT
    assert record.rewind_ms(700) == 100
    assert record.rewind_ms(560) == 0, "between two words"


def test_without_marks_what_was_heard_is_estimated_from_the_length() -> None:
    """Third-party speech servers send no word marks."""
    record = ReplyRecord(1, 16_000, text=TEXT)
    record.convert(tone(2.0, 16_000), 16_000)
    record.ended = True
    assert record.heard(0) == ""
    assert record.heard(1_000) in {"once upon a time", "once upon a time there"}
    assert record.heard(2_000) == TEXT


def test_an_estimate_before_the_end_claims_less() -> None:
    early, complete = ReplyRecord(1, 16_000, text=TEXT), ReplyRecord(1, 16_000, text=TEXT)
    for record in (early, complete):
        record.convert(tone(1.5, 16_000), 16_000)
    complete.ended = True
    assert complete.heard(1_000).startswith(early.heard(1_000))
    assert len(early.heard(1_000)) < len(complete.heard(1_000))
