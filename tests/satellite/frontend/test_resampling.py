"""From the device's rate to 16 kHz: in place, undistorted, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.resampling import RATE_HZ, CaptureResampler

if TYPE_CHECKING:
    from numpy.typing import NDArray


def tone(pitch_hz: float, rate_hz: int, seconds: float = 1.0) -> NDArray[np.int16]:
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return (16_384 * np.sin(2 * np.pi * pitch_hz * times_s)).astype(np.int16)


def resample(samples: NDArray[np.int16], rate_hz: int, block: int) -> NDArray[np.float32]:
    resampler = CaptureResampler(rate_hz)
    return np.concatenate([resampler.process(samples[at : at + block]) for at in range(0, len(samples), block)])


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000])
def test_a_tone_comes_out_in_phase_and_as_loud(rate_hz: int) -> None:
    out = resample(tone(1000, rate_hz), rate_hz, rate_hz // 50)

    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(len(out)) / RATE_HZ)
    inside = slice(RATE_HZ // 20, None)
    assert np.abs(out[inside] - expected[inside]).max() < 0.002


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
@pytest.mark.parametrize("block", [1, 50, 960])
def test_the_block_size_changes_nothing(rate_hz: int, block: int) -> None:
    samples = tone(440, rate_hz, 0.1)

    whole, parts = resample(samples, rate_hz, len(samples)), resample(samples, rate_hz, block)

    assert np.allclose(whole, parts, atol=1e-6)


@pytest.mark.parametrize("block", [50, 960])
def test_silence_leaves_no_trace_in_what_comes_after_it(block: int) -> None:
    silence = np.zeros(48_000 // 10, np.int16)
    samples = np.concatenate([silence, tone(440, 48_000, 0.1), silence, tone(440, 48_000, 0.1)])

    whole, parts = resample(samples, 48_000, len(samples)), resample(samples, 48_000, block)

    assert np.allclose(whole, parts, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_what_16_khz_cannot_hold_does_not_fold_back(rate_hz: int) -> None:
    out = resample(tone(10_000, rate_hz), rate_hz, rate_hz // 50)

    assert 20 * np.log10(np.sqrt(np.mean(out[1000:] ** 2)) / (0.5 / np.sqrt(2))) < -55


@pytest.mark.parametrize("rate_hz", [32_000, 44_100, 48_000, 96_000])
def test_common_rates_hold_back_less_than_a_millisecond(rate_hz: int) -> None:
    resampler = CaptureResampler(rate_hz)
    block, ready = rate_hz // 50, 0
    for count in range(1, 200):
        ready += len(resampler.process(np.zeros(block, np.int16)))
        assert count * block / rate_hz - ready / RATE_HZ < 0.001
