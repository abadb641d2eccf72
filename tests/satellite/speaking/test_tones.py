"""Cues: short, gentle, at the device's rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from satellite.speaking.tones import error_cue, ring_tone

if TYPE_CHECKING:
    from satellite.devices.base import Samples


def pitch_hz(samples: Samples, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return float(np.argmax(spectrum)) * rate_hz / (8 * len(samples))


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_the_error_cue_falls(rate_hz: int) -> None:
    error = error_cue(rate_hz)

    assert len(error) == pytest.approx(0.3 * rate_hz, abs=2)
    assert pitch_hz(error[: len(error) // 2], rate_hz) > pitch_hz(error[len(error) // 2 :], rate_hz) + 100


def test_a_cue_is_quiet_and_does_not_click() -> None:
    samples = error_cue(48_000).astype(int)

    assert 0 < np.abs(samples).max() < 32_767 * 10 ** (-17 / 20)
    assert np.abs(np.diff(samples, prepend=0, append=0)).max() < 500


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_the_ring_rises_and_is_louder_than_a_cue(rate_hz: int) -> None:
    ring = ring_tone(rate_hz)
    tone = rate_hz // 4

    assert len(ring) == pytest.approx(2.0 * rate_hz, abs=10)
    first, second, third = (pitch_hz(ring[start : start + tone], rate_hz) for start in (0, tone, 2 * tone))
    assert first + 100 < second < third - 100
    assert 2 * np.abs(error_cue(rate_hz)).max() < np.abs(ring).max() < 32_767 / 2
