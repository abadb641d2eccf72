from __future__ import annotations

import asyncio
import time

import pytest

from tools.testing.virtual_clock import NothingCanHappenError, run_virtual


def test_an_hour_takes_no_time() -> None:
    async def main() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert run_virtual(main()) == pytest.approx(3600)
    assert time.monotonic() - began < 1


def test_timers_fire_in_the_order_of_their_times() -> None:
    async def main() -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []

        async def sleeper(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append((name, round(asyncio.get_running_loop().time(), 6)))

        await asyncio.gather(sleeper("late", 0.3), sleeper("early", 0.1), sleeper("middle", 0.2))
        return seen

    assert run_virtual(main()) == [("early", 0.1), ("middle", 0.2), ("late", 0.3)]


def test_timeouts_are_virtual() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(5)


def test_a_deadlock_is_told_instead_of_hanging() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(NothingCanHappenError, match=r"deadlock at 0\.000 s.*main"):
        run_virtual(main())


def test_the_clock_stands_still_while_a_thread_works() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        ticker = asyncio.create_task(asyncio.sleep(100))
        await asyncio.to_thread(time.sleep, 0.03)
        now = loop.time()
        ticker.cancel()
        return now

    assert run_virtual(main()) == 0
