"""What was played, in overlapping blocks: whenever it is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.partitions import PlayedSpectra

DEPTH, BLOCKS = 7, 40


@pytest.mark.parametrize("delay", [0, 2, 4])
@pytest.mark.parametrize("every", [1, 3, 20])
def test_spectra_are_those_of_each_block_with_the_one_before(delay: int, every: int) -> None:
    samples = np.random.default_rng(1).standard_normal(BLOCKS * BLOCK_SAMPLES).astype(np.float32)
    blocks = samples.reshape(BLOCKS, BLOCK_SAMPLES)
    played, count = PlayedSpectra(DEPTH), DEPTH - delay

    for number, block in enumerate(blocks):
        played.push(block)
        if number < DEPTH or number % every:
            continue
        newest = number - delay
        expected = [np.fft.rfft(np.concatenate(blocks[at - 1 : at + 1])) for at in range(newest, newest - count, -1)]
        assert np.allclose(played.spectra(delay, count), expected, atol=1e-4)
        assert np.allclose(played.powers(delay, count), np.square(np.abs(expected)), rtol=1e-4, atol=1e-4)
        assert np.array_equal(played.blocks(delay, count), blocks[newest - count + 1 : newest + 1])
