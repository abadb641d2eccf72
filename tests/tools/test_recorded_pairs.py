"""Whom the satellite hears, and that it does not hear itself, on pairs recorded through a virtual sound card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.turn.settings import TurnSettings
from tools.bench.real.judging import judge
from tools.bench.real.listening import at_16_khz, delay_s
from tools.bench.real.recordings import Kind, read_recordings
from tools.bench.room.performance import Options
from tools.simulator.levels import frames_of, level_dbfs

if TYPE_CHECKING:
    from tools.bench.real.judging import Judged
    from tools.bench.real.recordings import Recording

PAIRS = read_recordings(Path(__file__).resolve().parents[1] / "recordings")
# Of the quiet room each pair begins with a quarter of a second.
BEFORE_S = 0.2
# Dither of the resampler.
SILENCE = 2


def of(kind: Kind) -> list[Recording]:
    return [pair for pair in PAIRS if pair.kind is kind]


@pytest.fixture(scope="module")
def heard() -> dict[str, Judged]:
    return {pair.name: judge(pair, Options()) for pair in PAIRS}


@pytest.mark.parametrize("pair", of(Kind.DOUBLE_TALK), ids=lambda pair: pair.name)
def test_the_reply_ducks_and_pauses_for_the_words_of_a_user(pair: Recording, heard: dict[str, Judged]) -> None:
    (outcome,) = heard[pair.name].outcomes
    assert outcome.ducked
    assert outcome.paused
    # The words would have done it alone, whatever the echo was taken for in the moment before them.
    settings = TurnSettings()
    voiced = outcome.windows - sum(outcome.refused.values())
    assert voiced * settings.window_ms >= settings.confirm_speech_ms


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_reply_does_not_pause_for_itself(pair: Recording, heard: dict[str, Judged]) -> None:
    assert heard[pair.name].playback_s > 5.0
    assert heard[pair.name].false_pauses_s == ()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_loudspeaker_is_silent_at_first_and_then_heard_as_late_as_a_card_makes_it(pair: Recording) -> None:
    before = slice(round(BEFORE_S * pair.rate_hz))
    assert np.abs(pair.played[before]).max() <= SILENCE
    quiet, late_s = frames_of(BEFORE_S), delay_s(pair)
    assert 0.05 <= late_s <= 0.3
    mic = at_16_khz(pair.mic, pair.rate_hz)
    assert level_dbfs(mic[quiet + frames_of(late_s) :]) > level_dbfs(mic[:quiet]) + 10
