from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tools.simulator.convolution import BLOCK_FRAMES, StreamingConvolver, convolve, convolve_loop

if TYPE_CHECKING:
    from tools.simulator.levels import Signal


def noise(count: int, seed: int = 1) -> Signal:
    return np.random.default_rng(seed).standard_normal(count, np.float32)


def streamed(convolver: StreamingConvolver, signal: Signal) -> Signal:
    return np.concatenate([convolver.process(block) for block in signal.reshape(-1, BLOCK_FRAMES)])


@pytest.mark.parametrize("length", [1, 100, BLOCK_FRAMES, 3_000, 7_321])
def test_a_stream_is_convolved_as_the_whole_signal_would_be(length: int) -> None:
    signal, response = noise(50 * BLOCK_FRAMES), noise(length, seed=2) / np.float32(length**0.5)
    assert streamed(StreamingConvolver(response, length), signal) == pytest.approx(
        np.convolve(signal, response)[: len(signal)], abs=1e-4
    )


def test_a_new_response_fades_in_over_its_time() -> None:
    signal, old, new = noise(40 * BLOCK_FRAMES), noise(1_000, seed=2), noise(1_500, seed=3)
    convolver = StreamingConvolver(old, len(new))
    before = streamed(convolver, signal[: 10 * BLOCK_FRAMES])
    convolver.change_to(new, 4 * BLOCK_FRAMES)
    after = streamed(convolver, signal[10 * BLOCK_FRAMES :])
    by_old, by_new = (convolve(signal, response)[: len(signal)] for response in (old, new))
    fade = slice(10 * BLOCK_FRAMES, 14 * BLOCK_FRAMES)
    share = np.arange(4 * BLOCK_FRAMES) / (4 * BLOCK_FRAMES)
    assert before == pytest.approx(by_old[: 10 * BLOCK_FRAMES], abs=1e-3)
    assert after[: 4 * BLOCK_FRAMES] == pytest.approx(by_old[fade] * (1 - share) + by_new[fade] * share, abs=1e-3)
    assert after[4 * BLOCK_FRAMES :] == pytest.approx(by_new[14 * BLOCK_FRAMES :], abs=1e-3)


def test_a_loop_has_no_seam() -> None:
    loop, response = noise(4_096), noise(700, seed=2)
    period = convolve_loop(loop, response)
    endless = convolve(np.tile(loop, 3), response)
    assert np.tile(period, 2) == pytest.approx(endless[4_096 : 3 * 4_096], abs=1e-3)
