"""Processes that have no file descriptor left for one more connection."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from typing import TYPE_CHECKING

import psutil

from tools.hold.caller import STRANGER, Call, call, is_up
from tools.hold.part import Row, Size

if TYPE_CHECKING:
    from tools.hold.measure import Watch

_DESCRIPTORS = 64
_CONNECTIONS = {Size.SHORT: 150, Size.FULL: 300}
_STAYS_S = {Size.SHORT: 0.5, Size.FULL: 5.0}
# Whom the system does not let in by then is not let in at all.
_TRIES_S = 0.5
_AGAIN_S = 2.0
# A process says it once a minute; a satellite also that it reaches no server.
_MOST_LINES = 10


async def run_out_of_descriptors(watch: Watch, size: Size) -> list[Row]:
    """Have more connections than a process has descriptors, and let them go again; the limit stays."""
    house, count, stays_s = watch.house, _CONNECTIONS[size], _STAYS_S[size]
    for name in house.uris:
        process = psutil.Process(house.processes.pid(name))
        _, most = process.rlimit(psutil.RLIMIT_NOFILE)
        process.rlimit(psutil.RLIMIT_NOFILE, (_DESCRIPTORS, most))
    logged = {name: house.log(name).count(b"\n") for name in house.uris}
    async with watch.during() as damage:
        attackers = await asyncio.gather(*(_try(uri) for uri in house.uris.values() for _ in range(count)))
        await asyncio.sleep(stays_s)
        used = max(house.descriptors(name) for name in house.uris)
        for attacker in attackers:
            if attacker is not None:
                attacker.close()
        again_s = await asyncio.gather(*(_answers_after_s(uri) for uri in house.uris.values()))
    lines = max(house.log(name).count(b"\n") - logged[name] for name in house.uris)
    slowest_s = max(again_s)
    attack = f"no descriptors left: a limit of {_DESCRIPTORS}"
    tried = f"{count} connections to each of {len(again_s)} listeners, {stays_s:.0f} s"
    return [
        Row(
            attack,
            tried,
            f"{used} in use; {lines} lines of log at most; {damage.told()}",
            f"nobody dies, {_MOST_LINES} lines at most, nobody disturbed",
            held=damage.harmless and used >= _DESCRIPTORS - 1 and lines <= _MOST_LINES,
        ),
        Row(
            attack,
            tried,
            f"a newcomer answered {slowest_s:.1f} s after they had gone",
            f"{_AGAIN_S:.0f} s",
            slowest_s <= _AGAIN_S,
            timed=True,
        ),
    ]


async def _try(uri: str) -> Call | None:
    with contextlib.suppress(OSError):
        async with asyncio.timeout(_TRIES_S):
            return await call(uri, STRANGER)
    return None


async def _answers_after_s(uri: str) -> float:
    begun = time.monotonic()
    # One newcomer, as patient as a satellite is.
    return time.monotonic() - begun if await is_up(uri) else math.inf
