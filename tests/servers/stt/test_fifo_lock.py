"""Taking turns at a library that lets nobody else in."""

from __future__ import annotations

import threading

import pytest

from interject.servers.stt.engines.fifo_lock import FifoLock
from tools.testing.patience import PATIENCE_S, wait_until


def test_who_waits_goes_before_who_comes_back() -> None:
    turns, order = FifoLock(), list[str]()
    go_on = threading.Event()

    def come_back() -> None:
        with turns:
            order.append("first")
            go_on.wait(PATIENCE_S)
        with turns:
            order.append("came back")

    def wait_for_a_turn() -> None:
        with turns:
            order.append("waited")

    threads = [threading.Thread(target=job) for job in (come_back, wait_for_a_turn)]
    threads[0].start()
    wait_until(lambda: order, "the first one to get its turn")
    threads[1].start()
    wait_until(lambda: turns.waiting == 1, "the second one to wait for its turn")
    go_on.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert order == ["first", "waited", "came back"]


def test_turns_never_overlap() -> None:
    turns, inside, most = FifoLock(), list[int](), list[int]()

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
        thread.join(PATIENCE_S)
    assert len(most) == 800
    assert max(most) == 1


def test_an_error_ends_the_turn() -> None:
    turns = FifoLock()
    with pytest.raises(ZeroDivisionError), turns:
        1 // 0  # noqa: B018
    with turns:
        assert turns.waiting == 0


def test_who_does_not_wait_goes_away_and_takes_nothing() -> None:
    turns = FifoLock()
    with turns, turns.if_free() as mine:
        assert not mine
    with turns.if_free() as mine:
        assert mine
        with turns.if_free() as second:
            assert not second
    with turns:
        assert turns.waiting == 0
