from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import cast

import pytest

from interject.servers.fair_queue import MOST_WAIT_S, FairWait, Owner, owner_of
from interject.wire.admission import AccessRules, Network
from interject.wire.errors import RequestError
from interject.wire.peer import Peer
from tools.testing.virtual_clock import run_virtual

KITCHEN, HALL = Owner("192.168.1.20", "kitchen"), Owner("192.168.1.30", "hall")


def fair_wait(most_waiting: int = 4) -> FairWait:
    return FairWait(1, most_waiting, lambda: RequestError("busy", "try again later"))


async def test_who_is_cancelled_while_it_waits_frees_its_place() -> None:
    wait = fair_wait(most_waiting=1)
    first = await wait.enter(KITCHEN)
    second = asyncio.create_task(wait.enter(KITCHEN))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert wait.waiting == 0
    third = asyncio.create_task(wait.enter(HALL))
    await asyncio.sleep(0)
    wait.leave(first)
    wait.leave(await third)


async def test_who_is_cancelled_in_the_moment_of_its_turn_passes_it_on() -> None:
    wait = fair_wait()
    first = await wait.enter(KITCHEN)
    second = asyncio.create_task(wait.enter(KITCHEN))
    third = asyncio.create_task(wait.enter(HALL))
    await asyncio.sleep(0)
    wait.leave(first)
    third.cancel()
    await asyncio.gather(third, return_exceptions=True)
    wait.leave(await second)


async def test_a_spare_place_is_for_another_host_where_one_has_all() -> None:
    wait = FairWait(2, 4, lambda: RequestError("busy", "try again later"), spare=1)
    kitchens = [await wait.enter(KITCHEN), await wait.enter(KITCHEN)]
    third = asyncio.create_task(wait.enter(KITCHEN))
    await asyncio.sleep(0)
    assert wait.waiting == 1
    wait.leave(await wait.enter(HALL))
    hall = await wait.enter(HALL)
    garage = asyncio.create_task(wait.enter(Owner("192.168.1.40", "garage")))
    await asyncio.sleep(0)
    assert wait.waiting == 2, "there is one spare place"
    wait.leave(kitchens[0])
    assert wait.waiting == 2, "the spare place was over the limit"
    wait.leave(kitchens[1])
    wait.leave(await garage)
    wait.leave(hall)
    wait.leave(await third)


async def test_a_full_house_refuses_who_has_most_and_takes_the_newcomer() -> None:
    wait = fair_wait(most_waiting=3)
    first = await wait.enter(KITCHEN)
    crowd = [asyncio.create_task(wait.enter(KITCHEN)) for _ in range(3)]
    await asyncio.sleep(0)
    newcomer = asyncio.create_task(wait.enter(HALL))
    with pytest.raises(RequestError, match="try again later"):
        await crowd[-1]
    wait.leave(first)
    turn = await newcomer
    assert not any(task.done() for task in crowd[:2])
    wait.leave(turn)
    for task in crowd[:2]:
        wait.leave(await task)


def test_who_waits_for_too_long_is_told_so_and_does_not_wait_any_more() -> None:
    async def scenario() -> None:
        wait = fair_wait()
        first = await wait.enter(KITCHEN)
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(RequestError, match="try again later"):
            await wait.enter(HALL)
        assert asyncio.get_running_loop().time() - began_s == MOST_WAIT_S
        assert wait.waiting == 0
        wait.leave(first)
        wait.leave(await wait.enter(HALL))

    run_virtual(scenario())


@pytest.mark.parametrize("address", ["192.168.1.20", "127.0.0.1", None])
def test_connections_of_one_address_share_its_turn_unless_it_is_a_proxy(address: str | None) -> None:
    one, other = (Peer("a peer", cast("asyncio.StreamWriter", None), address) for _ in range(2))
    rules = AccessRules()
    assert owner_of(one, None, rules).host == owner_of(other, None, rules).host == address
    assert owner_of(one, None, rules).room != owner_of(other, None, rules).room
    named = {"satellite_id": "kitchen"}
    assert owner_of(one, named, rules) == owner_of(other, named, rules) == Owner(address, "kitchen")
    if address is not None:
        proxied = AccessRules(trusted_proxies=(Network(ip_network(address)),))
        assert owner_of(one, named, proxied) == owner_of(other, named, proxied) == Owner("kitchen", "kitchen")
        assert owner_of(one, None, proxied).host != owner_of(other, None, proxied).host
