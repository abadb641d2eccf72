"""How late audio was handled is measured beside the sample counter, whatever the sound card's clock does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from interject.satellite.audio.lateness import LatenessMeter
from tools.testing.virtual_clock import elapse, run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable

RATE_HZ = 48_000
BLOCK = 960
BLOCK_S = BLOCK / RATE_HZ


async def feed(meter: LatenessMeter, blocks: range, late_s: Callable[[int], float], ppm: float = 0.0) -> None:
    """Handle blocks at their times: those of a sound card whose clock goes wrong by `ppm`, and later by `late_s`."""
    loop = asyncio.get_running_loop()
    for number in blocks:
        due_s = number * BLOCK_S * (1 + ppm / 1e6) + late_s(number)
        await elapse(max(0.0, due_s - loop.time()))
        meter.handled(number * BLOCK)


@pytest.mark.parametrize("ppm", [-100, 0, 100])
def test_a_late_block_in_a_hundred_is_told_of_and_the_clocks_difference_is_not(ppm: float) -> None:
    async def scene() -> None:
        meter = LatenessMeter(RATE_HZ)
        await feed(meter, range(3000), lambda number: 0.012 if number % 50 == 0 and number else 0.0, ppm)
        lately = meter.lately()
        assert lately is not None
        assert lately.p90 < 1.5
        assert lately.p99 == pytest.approx(12, abs=1.1)
        assert lately.worst == pytest.approx(12, abs=1.1)

    run_virtual(scene())


def test_a_loop_that_is_always_late_for_seconds_is_not_taken_for_punctual() -> None:
    async def scene() -> None:
        meter = LatenessMeter(RATE_HZ)
        await feed(meter, range(250), lambda _: 0.0)
        await feed(meter, range(250, 500), lambda _: 0.03)
        lately = meter.lately(4.0)
        assert lately is not None
        assert lately.p50 == pytest.approx(30, abs=0.1)

    run_virtual(scene())


def test_what_was_more_than_a_minute_ago_is_forgotten() -> None:
    async def scene() -> None:
        meter = LatenessMeter(RATE_HZ)
        await feed(meter, range(100), lambda number: 0.5 if number == 50 else 0.0)
        await feed(meter, range(100, 4000), lambda _: 0.0)
        lately = meter.lately()
        assert lately is not None
        assert lately.worst < 1
        await elapse(61.0)
        assert meter.lately() is None

    run_virtual(scene())
