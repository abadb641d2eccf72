from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

import pytest

from interject.servers.fair_queue import Owner
from interject.servers.stt.errors import BusyError
from interject.servers.stt.worker_pool import WorkerPool
from tools.testing.patience import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOM = Owner("192.168.1.20", "kitchen")


@pytest.fixture
async def workers() -> AsyncIterator[WorkerPool]:
    made = WorkerPool(workers=1, waiting=3)
    yield made
    made.close()


async def test_workers_are_given_in_the_order_of_requests(workers: WorkerPool) -> None:
    order: list[int] = []

    async def work(number: int) -> None:
        async with workers.worker(ROOM) as worker:
            await worker.run(lambda: order.append(number))

    await asyncio.gather(*(work(number) for number in range(4)))
    assert order == [0, 1, 2, 3]


async def test_one_too_many_is_refused(workers: WorkerPool) -> None:
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(workers.worker(ROOM))
        waiting = [asyncio.create_task(stack.enter_async_context(workers.worker(ROOM))) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await stack.enter_async_context(workers.worker(ROOM))
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_worker_left_with_work_under_way_is_given_only_after_it(workers: WorkerPool) -> None:
    begun, go_on, order = threading.Event(), threading.Event(), list[str]()

    def long_work() -> None:
        begun.set()
        go_on.wait(PATIENCE_S)
        order.append("left behind")

    async def leave_early() -> None:
        async with workers.worker(ROOM) as worker:
            await worker.run(long_work)

    async def work() -> None:
        async with workers.worker(ROOM) as worker:
            await worker.run(lambda: order.append("next"))

    leaving = asyncio.create_task(leave_early())
    await eventually(begun.is_set, "the work to begin")
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    following = [asyncio.create_task(work()) for _ in range(3)]
    await asyncio.sleep(0)
    # As many as may wait do, so none of them has got the worker.
    with pytest.raises(BusyError):
        await work()
    go_on.set()
    await asyncio.gather(*following)
    assert order == ["left behind", "next", "next", "next"]
