"""Taking turns at a library that lets nobody else in."""

from __future__ import annotations

import asyncio
import threading

import pytest

from servers.stt.engines.turns import Turns
from tests.servers.stt.harness import eventually


async def test_who_waits_goes_before_who_comes_back() -> None:
    turns, order = Turns(), list[str]()
    go_on = threading.Event()

    def come_back() -> None:
        with turns:
            order.append("first")
            go_on.wait(10)
        with turns:
            order.append("came back")

    def wait_for_a_turn() -> None:
        with turns:
            order.append("waited")

    threads = [threading.Thread(target=job) for job in (come_back, wait_for_a_turn)]
    threads[0].start()
    await eventually(lambda: order)
    threads[1].start()
    await eventually(lambda: turns.waiting == 1)
    go_on.set()
    await eventually(lambda: len(order) == 3)
    for thread in threads:
        await asyncio.to_thread(thread.join, 10)
    assert order == ["first", "waited", "came back"]


def test_turns_never_overlap() -> None:
    turns, inside, most = Turns(), list[int](), list[int]()

    def take_turns() -> None:
        for _ in range(200):
            with turns:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=take_turns) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(most) == 800
    assert max(most) == 1


def test_an_error_ends_the_turn() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns:
        1 // 0  # noqa: B018
    with turns:
        assert turns.waiting == 0
