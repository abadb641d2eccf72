"""The sounds that are shipped are those that the script makes, and say what they are to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.sounds import SHIPPED
from interject.satellite.audio.wav import read_wav
from tools.generators.sounds import CUES, RATE_HZ, made

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples


def shipped(name: str, rate_hz: int = RATE_HZ) -> Samples:
    return read_wav(SHIPPED / f"{name}.wav", rate_hz)


def pitch_hz(samples: Samples, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return float(np.argmax(spectrum)) * rate_hz / (8 * len(samples))


def test_the_script_makes_every_file_that_is_shipped() -> None:
    assert {path.stem for path in SHIPPED.glob("*.wav")} == set(CUES)
    for name, cue in CUES.items():
        difference = shipped(name).astype(int) - made(cue)
        # The sine of another processor may be rounded the other way.
        assert np.abs(difference).max() <= 1, "run: python -m tools.generators.sounds"


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
@pytest.mark.parametrize(
    ("name", "rises"), [("awake", True), ("not_understood", True), ("done", False), ("error", False)]
)
def test_what_asks_for_words_rises_and_what_ends_something_falls(name: str, rises: bool, rate_hz: int) -> None:
    cue = shipped(name, rate_hz)
    first, second = pitch_hz(cue[: len(cue) // 2], rate_hz), pitch_hz(cue[len(cue) // 2 :], rate_hz)
    assert (second > first + 100) if rises else (second < first - 100)


@pytest.mark.parametrize("name", ["awake", "not_understood", "done", "error"])
def test_a_cue_is_short_and_quiet_and_does_not_click(name: str) -> None:
    cue = shipped(name, 48_000).astype(int)
    assert len(cue) <= 0.301 * 48_000
    assert 0 < np.abs(cue).max() < 32_767 * 10 ** (-17 / 20)
    # A sine of 1.3 kHz at that level moves by 720 at most from sample to sample.
    assert np.abs(np.diff(cue, prepend=0, append=0)).max() < 750


def test_the_ring_rises_and_is_louder_than_a_cue() -> None:
    ring = shipped("timer_finished")
    tone = RATE_HZ // 4
    assert len(ring) == pytest.approx(2.0 * RATE_HZ, abs=10)
    first, second, third = (pitch_hz(ring[start : start + tone], RATE_HZ) for start in (0, tone, 2 * tone))
    assert first + 100 < second < third - 100
    assert 2 * np.abs(shipped("error")).max() < np.abs(ring).max() < 32_767 / 2
