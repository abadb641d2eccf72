"""A flood is taken at the pace of its address and an event at a time; who sends little hardly waits."""

from __future__ import annotations

import asyncio

import pytest

from interject.wire.admission import AccessRules
from interject.wire.pacing import EventRate, Pacing, Turnstile
from tools.testing.virtual_clock import elapse, run_virtual

HERE, KITCHEN = "127.0.0.1", "192.168.1.20"


def test_a_minute_of_speech_in_one_go_is_not_slowed_down_and_a_flood_is() -> None:
    rate = EventRate(2000, 0.0)
    assert all(rate.wait_s(0.0, 1, 0) == 0.0 for _ in range(1300))
    assert not rate.rested(0.0)
    waits = [rate.wait_s(0.0, 1, 0) for _ in range(10_000)]
    assert waits[-1] == pytest.approx(1 / 2000)
    assert rate.rested(60.0)
    assert rate.wait_s(60.0, 1, 0) == 0.0


async def seconds_for(pacing: Pacing, address: str, events: int, size: int = 20) -> float:
    """Take events one after the other, as they lie ready, and return how long that took."""
    loop = asyncio.get_running_loop()
    began_s, pace = loop.time(), pacing.of(address)
    for _ in range(events):
        await pace.turn(size)
        await pace.slow_down()
    return loop.time() - began_s


@pytest.mark.parametrize(("address", "events_per_s"), [(HERE, 5000), (KITCHEN, 2000)])
@pytest.mark.parametrize("connections", [1, 20])
def test_the_connections_of_an_address_are_together_as_fast_as_one(
    address: str, events_per_s: int, connections: int
) -> None:
    async def scene() -> None:
        pacing = Pacing(AccessRules())
        each = 20_000 // connections
        took_s = await asyncio.gather(*(seconds_for(pacing, address, each) for _ in range(connections)))
        assert max(took_s) == pytest.approx(16_000 / events_per_s, rel=0.15)

    run_virtual(scene())


def test_who_connects_anew_is_not_given_another_burst() -> None:
    async def scene() -> None:
        pacing = Pacing(AccessRules())
        took_s = [await seconds_for(pacing, KITCHEN, 4000) for _ in range(3)]
        assert took_s[0] == 0.0
        assert min(took_s[1:]) > 1.5

    run_virtual(scene())


def test_large_data_count_for_more() -> None:
    async def scene() -> None:
        assert await seconds_for(Pacing(AccessRules()), KITCHEN, 4000, size=1 << 16) > 30

    run_virtual(scene())


@pytest.mark.parametrize("address", [KITCHEN, "192.168.1.21"])
def test_a_bystander_s_event_waits_a_moment_at_most(address: str) -> None:
    async def scene() -> None:
        pacing = Pacing(AccessRules())
        floods = [asyncio.create_task(seconds_for(pacing, KITCHEN, 10_000)) for _ in range(20)]
        await elapse(10)
        assert await seconds_for(pacing, address, 1) <= (0.011 if address == KITCHEN else 0)
        for flood in floods:
            flood.cancel()
        await asyncio.gather(*floods, return_exceptions=True)

    run_virtual(scene())


async def test_one_event_is_taken_in_a_turn_of_the_loop_and_nobody_is_passed_over() -> None:
    turnstile, loop = Turnstile(), asyncio.get_running_loop()
    taken: list[tuple[int, int]] = []
    turn = 0

    def count() -> None:
        nonlocal turn
        turn += 1
        if turn < 200:
            loop.call_soon(count)

    async def send(who: int) -> None:
        for _ in range(10):
            await turnstile.enter()
            taken.append((turn, who))

    count()
    gone = asyncio.create_task(send(9))
    senders = [asyncio.create_task(send(who)) for who in range(3)]
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(*senders)
    turns = [number for number, who in taken]
    assert len(set(turns)) == len(turns)
    assert [who for _, who in taken if who != 9][3:9] == [0, 1, 2, 0, 1, 2]
