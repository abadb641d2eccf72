"""What holds for every device, whatever it is made of."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.base import DeviceError, running
from tools.testing.patience import expecting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from interject.satellite.audio.base import Block, Device, Samples

BLOCKS = 12
# No local loudspeaker is further away.
MOST_LATENCY_S = 1.0
MOST_DITHER = 4


@dataclass(frozen=True)
class Case:
    """A device to check.

    make: a fresh one for each check.
    run: runs a check in real or in virtual time.
    has_loudspeaker: what is rendered is played; without one `played` is silent.
    exact: a block asks `render` once, for exactly its own length, and plays that (a converted device cannot).
    broken: the same kind of device, which cannot be opened.
    """

    make: Callable[[], Awaitable[Device]]
    run: Callable[[Coroutine[Any, Any, None]], None]
    has_loudspeaker: bool = True
    exact: bool = True
    broken: Callable[[], Awaitable[Device]] | None = None


class Counting:
    """Renders 1, 2, 3 …, so that every sample tells its position."""

    def __init__(self) -> None:
        self.requests: list[int] = []
        self.position = 0

    def __call__(self, frames: int) -> Samples:
        self.requests.append(frames)
        samples = numbered(self.position, frames)
        self.position += frames
        return samples


def numbered(first: int, frames: int) -> Samples:
    samples: Samples = (np.arange(first, first + frames) % 30_000 + 1).astype(np.int16)
    return samples


class DeviceConformance:
    """Subclasses give `case`, a fixture."""

    def test_blocks_are_whole_and_gapless(self, case: Case) -> None:
        async def check() -> None:
            device = await case.make()
            blocks = await take(device, Counting(), BLOCKS)
            assert blocks[0].frame == 0
            for block, following in pairwise(blocks):
                assert following.frame == block.frame + len(block.mic)
            for block in blocks:
                assert len(block.mic) == len(block.played) > 0
                assert block.mic.dtype == block.played.dtype == np.int16
                assert block.mic.ndim == block.played.ndim == 1

        case.run(check())

    def test_each_period_is_rendered_once_and_in_order(self, case: Case) -> None:
        async def check() -> None:
            render = Counting()
            blocks = await take(await case.make(), render, BLOCKS)
            lengths = [len(block.played) for block in blocks]
            if case.exact:
                assert render.requests[: len(lengths)] == lengths
            else:
                # What a converter holds back, and one period that is asked for in advance.
                assert abs(sum(render.requests) - sum(lengths)) <= 4 * max(lengths)

        case.run(check())

    def test_what_is_played_is_what_was_rendered(self, case: Case) -> None:
        async def check() -> None:
            blocks = await take(await case.make(), Counting(), BLOCKS)
            played = np.concatenate([block.played for block in blocks])
            if not case.has_loudspeaker:
                assert not played.any()
            elif case.exact:
                assert np.array_equal(played, numbered(0, len(played)))
            else:
                # The converter dithers by a step or two, and rings where the signal begins.
                counted = played[np.argmax(played > 100) :].astype(np.int32)
                assert counted.size
                assert np.diff(counted).min() >= -MOST_DITHER
                assert np.diff(counted).max() <= 1 + MOST_DITHER

        case.run(check())

    def test_latency_is_that_of_a_loudspeaker(self, case: Case) -> None:
        async def check() -> None:
            device = await case.make()
            latencies: list[int] = []
            async with expecting("the device to play 200 ms"), running(device, Counting()) as blocks:
                async for block in blocks:
                    latencies.append(device.output_latency_frames)
                    if block.frame > device.rate_hz // 5:
                        break
            # The least, since a busy machine adds to it.
            assert 0 <= min(latencies) <= MOST_LATENCY_S * device.rate_hz

        case.run(check())

    def test_closing_closes_and_it_opens_again(self, case: Case) -> None:
        async def check() -> None:
            device = await case.make()
            tasks_before = asyncio.all_tasks()
            first = Counting()
            await take(device, first, 3)
            assert asyncio.all_tasks() == tasks_before
            requests = len(first.requests)
            again = await take(device, Counting(), 3)
            assert again[0].frame == 0
            assert len(first.requests) == requests

        case.run(check())

    def test_cancelling_the_reader_closes(self, case: Case) -> None:
        async def check() -> None:
            device = await case.make()
            opened = asyncio.Event()
            render = Counting()

            async def read() -> None:
                async with running(device, render) as blocks:
                    async for _ in blocks:
                        opened.set()

            reader = asyncio.create_task(read())
            async with expecting("the device to open, and to close when its reader is cancelled"):
                await opened.wait()
                reader.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reader
            assert asyncio.all_tasks() == {asyncio.current_task()}
            requests = len(render.requests)
            await take(device, Counting(), 3)
            assert len(render.requests) == requests

        case.run(check())

    def test_a_renderer_that_fails_is_told(self, case: Case) -> None:
        async def check() -> None:
            calls = 0

            def render(frames: int) -> Samples:
                nonlocal calls
                calls += 1
                if calls > 2:
                    raise ZeroDivisionError("the renderer's own bug")
                return np.zeros(frames, np.int16)

            with pytest.raises(ZeroDivisionError, match="own bug"):
                await take(await case.make(), render, 1000)

        case.run(check())

    def test_a_renderer_that_gives_too_little_is_told(self, case: Case) -> None:
        async def check() -> None:
            with pytest.raises(ValueError, match="render"):
                await take(await case.make(), lambda frames: np.zeros(frames - 1, np.int16), 1000)

        case.run(check())

    def test_a_failing_open_is_a_device_error(self, case: Case) -> None:
        broken = case.broken
        if broken is None:
            pytest.skip("this device has nothing that could fail when it opens")

        async def check() -> None:
            with pytest.raises(DeviceError) as told:
                await take(await broken(), Counting(), 1)
            assert str(told.value)
            assert asyncio.all_tasks() == {asyncio.current_task()}

        case.run(check())


async def take(device: Device, render: Callable[[int], Samples], count: int) -> list[Block]:
    """Open, read some blocks, close."""
    taken: list[Block] = []
    async with expecting(f"the device to give {count} blocks"), running(device, render) as blocks:
        async for block in blocks:
            taken.append(block)
            if len(taken) == count:
                break
    return taken
