"""Reply audio at the device's rate."""

from __future__ import annotations

import numpy as np
import pytest

from interject.satellite.audio.resampling import ReplyResampler


@pytest.mark.parametrize(("source_hz", "device_hz"), [(22_050, 48_000), (22_050, 16_000), (16_000, 44_100)])
def test_a_tone_keeps_its_length_its_place_and_its_loudness(source_hz: int, device_hz: int) -> None:
    tone = (8000 * np.sin(2 * np.pi * 500 * np.arange(2 * source_hz) / source_hz)).astype(np.int16)
    resampler = ReplyResampler(source_hz, device_hz)

    parts = [resampler.process(tone[start : start + 1024]) for start in range(0, len(tone), 1024)]
    out = np.concatenate([*parts, resampler.flush()])

    assert out.dtype == np.int16
    assert abs(len(out) - 2 * device_hz) <= 1
    expected = 8000 * np.sin(2 * np.pi * 500 * np.arange(len(out)) / device_hz)
    inside = slice(device_hz // 10, -device_hz // 10)
    assert np.abs(out[inside] - expected[inside]).max() < 20


def test_the_same_rate_passes_every_sample_at_once() -> None:
    resampler = ReplyResampler(16_000, 16_000)
    samples = np.arange(1000, dtype=np.int16)

    assert np.array_equal(resampler.process(samples), samples)
    assert len(resampler.flush()) == 0


def test_after_a_flush_a_new_stretch_begins() -> None:
    resampler = ReplyResampler(22_050, 48_000)
    loud = np.full(22_050, 20_000, np.int16)
    first = np.concatenate([resampler.process(loud), resampler.flush()])

    second = np.concatenate([resampler.process(np.zeros(22_050, np.int16)), resampler.flush()])

    assert len(first) == len(second) == 48_000
    # One step of 16 bits is what dither adds.
    assert np.abs(second).max() <= 1
