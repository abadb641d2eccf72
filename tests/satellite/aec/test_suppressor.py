"""The residual echo is taken out where it is, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.suppressor import RECENT_SAMPLES, TAPS, Suppressor, gains, minimum_phase
from tests.satellite.frontend.speech import white_noise

BINS = 257


def test_what_is_no_echo_passes() -> None:
    residual = np.ones(BINS, np.float32)

    assert gains(residual, np.zeros_like(residual)).min() == 1
    assert gains(residual, residual).max() == pytest.approx(0.01)


def test_the_filter_has_the_gains_asked_for_and_answers_at_once() -> None:
    wanted = np.ones(129, np.float32)
    wanted[20:60] = 0.1

    taps = minimum_phase(wanted)

    got = np.abs(np.fft.rfft(taps, 256))
    assert got[30:50] == pytest.approx(0.1, rel=0.3)
    assert got[70:120] == pytest.approx(1.0, rel=0.1)
    assert int(np.argmax(np.abs(taps))) == 0
    assert len(taps) == TAPS


def test_open_gains_change_no_sample() -> None:
    recent = white_noise(RECENT_SAMPLES, -20)
    suppressor = Suppressor()

    assert np.array_equal(suppressor.open(recent), recent[-BLOCK_SAMPLES:])
    assert suppressor.process(np.ones(129, np.float32), recent) == pytest.approx(recent[-BLOCK_SAMPLES:], abs=1e-6)
