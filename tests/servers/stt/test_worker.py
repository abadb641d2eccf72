from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

import pytest

from interject.servers.fair_queue import Owner
from interject.servers.stt.errors import BusyError
from interject.servers.stt.worker import Seats, Worker
from tools.patience import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOM = Owner("192.168.1.20", "kitchen")


@pytest.fixture
async def seats() -> AsyncIterator[Seats]:
    made = Seats(seats=1, waiting=3)
    yield made
    made.close()


async def test_who_comes_first_sits_first(seats: Seats) -> None:
    order: list[int] = []

    async def sit(number: int) -> None:
        async with seats.seat(ROOM) as worker:
            await worker.run(lambda: order.append(number))

    await asyncio.gather(*(sit(number) for number in range(4)))
    assert order == [0, 1, 2, 3]


async def test_one_too_many_is_refused(seats: Seats) -> None:
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(seats.seat(ROOM))
        waiting = [asyncio.create_task(stack.enter_async_context(seats.seat(ROOM))) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await stack.enter_async_context(seats.seat(ROOM))
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_seat_left_with_work_under_way_is_taken_only_after_it(seats: Seats) -> None:
    begun, go_on, order = threading.Event(), threading.Event(), list[str]()

    def long_work() -> None:
        begun.set()
        go_on.wait(PATIENCE_S)
        order.append("left behind")

    async def leave_early() -> None:
        async with seats.seat(ROOM) as worker:
            await worker.run(long_work)

    async def sit() -> None:
        async with seats.seat(ROOM) as worker:
            await worker.run(lambda: order.append("next"))

    leaving = asyncio.create_task(leave_early())
    await eventually(begun.is_set, "the work to begin")
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    following = [asyncio.create_task(sit()) for _ in range(3)]
    await asyncio.sleep(0)
    # As many as may wait do, so none of them has got the seat.
    with pytest.raises(BusyError):
        await sit()
    go_on.set()
    await asyncio.gather(*following)
    assert order == ["left behind", "next", "next", "next"]


async def test_an_error_in_a_job_reaches_who_waits_and_spares_the_thread() -> None:
    worker = Worker("test")
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 // 0)
    assert await worker.run(lambda: 7) == 7
    worker.close()
