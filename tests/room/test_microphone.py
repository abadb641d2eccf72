"""What devices do to their microphones."""

from __future__ import annotations

import numpy as np
import pytest

from tools.simulator.convolution import BLOCK_FRAMES
from tools.simulator.levels import RATE_HZ, Signal, rms_dbfs, scaled
from tools.simulator.microphone import Capture, Microphone


def noise_at(dbfs: float, seconds: float) -> Signal:
    blocks = round(seconds * RATE_HZ) // BLOCK_FRAMES
    return scaled(np.random.default_rng(1).standard_normal(blocks * BLOCK_FRAMES, np.float32), dbfs)


def through(microphone: Microphone, heard: Signal) -> Signal:
    capture = Capture(microphone)
    return np.concatenate([capture.finish(block * capture.gain(block)) for block in heard.reshape(-1, BLOCK_FRAMES)])


def test_a_plain_microphone_gives_what_it_hears() -> None:
    heard = noise_at(-40, 0.5)
    assert np.array_equal(through(Microphone(), heard), heard)


def test_a_gate_is_shut_in_pauses_and_open_for_what_is_loud() -> None:
    heard = np.concatenate([noise_at(-60, 1.0), noise_at(-30, 0.5), noise_at(-60, 1.0)])
    given = through(Microphone(gate_db=60, gate_dbfs=-45), heard)
    second = RATE_HZ
    assert rms_dbfs(given[second // 2 : second]) == pytest.approx(-120, abs=1)
    assert rms_dbfs(given[second + 2 * BLOCK_FRAMES : 3 * second // 2]) == pytest.approx(-30, abs=0.5)
    # It holds for a syllable's length, then it shuts.
    assert rms_dbfs(given[3 * second // 2 : 3 * second // 2 + second // 10]) == pytest.approx(-60, abs=1)
    assert rms_dbfs(given[2 * second :]) == pytest.approx(-120, abs=1)


def test_an_automatic_gain_gives_slowly_and_takes_at_once() -> None:
    heard = np.concatenate([noise_at(-36, 4.0), noise_at(-16, 1.0)])
    given = through(Microphone(gain_db=10, gate_dbfs=-60), heard)
    assert rms_dbfs(given[: RATE_HZ // 10]) == pytest.approx(-36, abs=1)
    assert rms_dbfs(given[3 * RATE_HZ : 4 * RATE_HZ]) == pytest.approx(-26, abs=1)
    assert rms_dbfs(given[4 * RATE_HZ : 4 * RATE_HZ + RATE_HZ // 20]) > -12
    assert rms_dbfs(given[-RATE_HZ // 2 :]) == pytest.approx(-24, abs=1)


def test_noise_suppression_takes_noise() -> None:
    heard = noise_at(-45, 3.0)
    assert rms_dbfs(through(Microphone(suppression=2), heard)[2 * RATE_HZ :]) < -51
