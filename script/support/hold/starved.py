"""Processes that have no file descriptor left for one more connection."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from typing import TYPE_CHECKING

import psutil

from script.support.hold.bystander import together
from script.support.hold.caller import STRANGER, Call, call, is_up
from script.support.hold.part import Row, Size

if TYPE_CHECKING:
    from script.support.hold.measure import Watch

_DESCRIPTORS = 64
_CONNECTIONS = {Size.SHORT: 150, Size.FULL: 300}
_STAYS_S = {Size.SHORT: 0.5, Size.FULL: 5.0}
# Whom the system does not let in by then is not let in at all.
_TRIES_S = 0.5
_AGAIN_S = 2.0
# A process says it once a minute, with a traceback of ten lines.
_MOST_LINES = 30


async def run_out_of_descriptors(watch: Watch, size: Size) -> Row:
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
    dead = [name for name in house.uris if not house.alive(name)]
    disturbed = together(damage.pings.values()).unanswered
    return Row(
        f"no descriptors left: a limit of {_DESCRIPTORS}",
        f"{count} connections to each of {len(again_s)} listeners, {stays_s:.0f} s",
        f"{used} in use; {', '.join(dead) or 'nobody'} died; {lines} lines of log at most; a newcomer answered "
        f"{slowest_s:.1f} s after they had gone; {damage.told()}",
        f"nobody dies, {_MOST_LINES} lines at most, {_AGAIN_S:.0f} s, nobody disturbed",
        held=not (dead or damage.deaf or disturbed)
        and used >= _DESCRIPTORS - 1
        and lines <= _MOST_LINES
        and slowest_s <= _AGAIN_S,
    )


async def _try(uri: str) -> Call | None:
    with contextlib.suppress(OSError):
        async with asyncio.timeout(_TRIES_S):
            return await call(uri, STRANGER)
    return None


async def _answers_after_s(uri: str) -> float:
    begun = time.monotonic()
    # One newcomer, as patient as a satellite is.
    return time.monotonic() - begun if await is_up(uri) else math.inf
