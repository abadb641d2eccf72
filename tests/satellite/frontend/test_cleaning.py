"""Noise suppression, gain and volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.frontend.frontend import Cleaner, CleaningSettings
from interject.wire.errors import SettingError
from tests.satellite.frontend.speech import RATE_HZ, clip, to_float, white_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples


def clean(settings: CleaningSettings, signal: NDArray[np.float32]) -> Samples:
    cleaner = Cleaner(settings)
    ends = range(BLOCK_SAMPLES, len(signal) + 1, BLOCK_SAMPLES)
    return np.concatenate([cleaner.process(signal[end - BLOCK_SAMPLES : end]) for end in ends])


def level_db(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(samples.astype(float) ** 2)))


def test_without_any_cleaning_the_samples_pass_as_they_are() -> None:
    samples = clip("what_time_is_it")[: 60 * BLOCK_SAMPLES]

    assert np.array_equal(clean(CleaningSettings(), to_float(samples)), samples)


def test_stronger_suppression_leaves_less_noise() -> None:
    noise = white_noise(4 * RATE_HZ, -40)
    settled = slice(2 * RATE_HZ, None)

    levels = [level_db(clean(CleaningSettings(noise_suppression=strength), noise)[settled]) for strength in (0, 1, 4)]

    assert levels[0] > levels[1] + 4
    assert levels[1] > levels[2] + 4


def test_suppression_leaves_speech_standing() -> None:
    # A second of room, so that the suppressor knows the noise before somebody speaks.
    room = white_noise(RATE_HZ, -60)
    speech = np.concatenate([room, to_float(clip("tell_me_a_long_story"))])

    cleaned, plain = clean(CleaningSettings(noise_suppression=1), speech), clean(CleaningSettings(), speech)

    assert level_db(cleaned[RATE_HZ:]) == pytest.approx(level_db(plain[RATE_HZ:]), abs=1)


def test_auto_gain_lifts_quiet_speech() -> None:
    quiet = to_float(clip("tell_me_a_long_story")) * np.float32(0.05)

    assert level_db(clean(CleaningSettings(auto_gain=15), quiet)) > level_db(clean(CleaningSettings(), quiet)) + 3


def test_volume_multiplies_and_clips() -> None:
    signal = np.full(BLOCK_SAMPLES, 0.25, np.float32)

    assert clean(CleaningSettings(volume_multiplier=2.0), signal)[0] == 16_384
    assert clean(CleaningSettings(volume_multiplier=9.0), signal)[0] == 32_767
    assert clean(CleaningSettings(volume_multiplier=9.0), -signal)[0] == -32_768


@pytest.mark.parametrize(
    ("key", "value"),
    [("noise_suppression", 5), ("noise_suppression", -1), ("auto_gain", 32), ("volume_multiplier", 0.0)],
)
def test_a_value_out_of_range_is_named(key: str, value: float) -> None:
    with pytest.raises(SettingError, match=key):
        CleaningSettings(**{key: value})  # type: ignore[arg-type]
