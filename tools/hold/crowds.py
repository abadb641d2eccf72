"""Many connections at a time: opened and reset, idle, given up in the middle of a payload, never read from."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from typing import TYPE_CHECKING

from wyoming.tts import Synthesize

from tools.hold.bystander import together
from tools.hold.caller import HERE, STRANGER, call, until
from tools.hold.house import Wanted
from tools.hold.measure import open_watched
from tools.hold.part import Part, Row, Size
from tools.hold.starved import run_out_of_descriptors
from tools.hold.unread import never_read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.hold.measure import Damage, Watch

_STORM = {Size.SHORT: 200, Size.FULL: 2000}
# Multiples of those that are opened at once, and more than there are places.
_IDLE = {Size.SHORT: 320, Size.FULL: 512}
_GIVEN_UP = {Size.SHORT: 20, Size.FULL: 200}
_QUIET_S = {Size.SHORT: 0.5, Size.FULL: 2.0}
# As many as may wait to be accepted, or the system lets them try again a second later.
_AT_ONCE = 64
_GIVING_UP_AT_ONCE = 8
_ANOTHER = "127.0.0.3"
# A close that discards what is unsent, and resets.
_RESET = struct.pack("ii", 1, 0)
# It takes half a second; a busy machine needs longer.
_SETTLED_S = 20.0
# Five minutes of speech, some 13 MB.
_LONG_TEXT = "She sells sea shells by the sea shore. " * 125
_SPOKEN_S = 20.0
_LET_IN_S = 1.0
# Both cores have the attackers and four processes to run; a satellite that streams has a chunk each 20 ms or more.
_MOST_LATE_MS = 100.0
_PAYLOAD_BYTES = 4 << 20
_PIECE_BYTES = 1 << 16
_READ_S = 0.05
# What all connections together may have under way, and as much again for the buffers that it passes through.
_MOST_MB = 64.0
_MOST_KEPT_MB = 32.0


async def _run(folder: Path, size: Size) -> Sequence[Row]:
    async with open_watched(folder, Wanted()) as watch:
        return [
            *await _storm(watch, size),
            *await _idle_ones_make_room(watch, size),
            await _payloads_given_up(watch, size),
            await never_read(watch, size),
            *await run_out_of_descriptors(watch, size),
        ]


async def _storm(watch: Watch, size: Size) -> list[Row]:
    """Open and close connections as fast as it goes, every other one by a reset."""
    house, count = watch.house, _STORM[size]
    async with watch.during() as quiet:
        await asyncio.sleep(_QUIET_S[size])
    before = _descriptors(watch)
    places = {name: asyncio.Semaphore(_AT_ONCE) for name in house.uris}

    async def one(name: str, number: int) -> None:
        async with places[name]:
            with contextlib.suppress(OSError), await call(house.uris[name], STRANGER) as attacker:
                if number % 2:
                    _reset(attacker.writer)

    async with watch.during() as damage:
        begun = time.monotonic()
        await asyncio.gather(*(one(name, number) for number in range(count) for name in house.uris))
        took_s = time.monotonic() - begun
        await until(lambda: not _more_descriptors(watch, before), _SETTLED_S)
        left = _more_descriptors(watch, before)
    tried = f"{count:,} to each of {len(house.uris)} listeners, {took_s:.1f} s"
    return [
        Row(
            "connection storm, every other one reset",
            tried,
            f"{damage.told()}; {left} descriptors more afterwards",
            "no death, no traceback, nobody disturbed, none",
            held=damage.harmless and not left,
        ),
        Row(
            "connection storm: pings of a bystander",
            tried,
            f"{_pings(damage)}; without it {_pings(quiet)}",
            f"P99 {_MOST_LATE_MS:.0f} ms",
            held=together(damage.pings.values()).percentile_ms(99) <= _MOST_LATE_MS,
            timed=True,
        ),
    ]


def _descriptors(watch: Watch) -> dict[str, int]:
    return {name: watch.house.descriptors(name) for name in watch.house.uris}


def _more_descriptors(watch: Watch, before: dict[str, int]) -> int:
    """Return how many more the process has that has most more."""
    return max(0, *(now - before[name] for name, now in _descriptors(watch).items()))


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def _pings(damage: Damage) -> str:
    return together(damage.pings.values()).told()


async def _idle_ones_make_room(watch: Watch, size: Size) -> list[Row]:
    """Take all the places there are, and more, and come as somebody else."""
    house, count = watch.house, _IDLE[size]
    took_s: list[float] = []
    async with watch.during() as damage, contextlib.AsyncExitStack() as stack:
        busy = stack.enter_context(await call(house.uris["tts"], STRANGER))
        # What does not fit into the buffers of both ends keeps it busy until it reads on.
        busy.stop_reading()
        await busy.send(Synthesize(text=_LONG_TEXT).event())
        for uri in house.uris.values():
            for _ in range(0, count, _AT_ONCE):
                for attacker in await asyncio.gather(*(call(uri, STRANGER) for _ in range(_AT_ONCE))):
                    stack.enter_context(attacker)
            for address in (HERE, _ANOTHER):
                begun = time.monotonic()
                newcomer = stack.enter_context(await call(uri, address))
                if await newcomer.answers():
                    took_s.append(time.monotonic() - begun)
        busy.read_on()
        kept = await busy.receive_one_of("audio-stop", within_s=_SPOKEN_S) is not None
    newcomers = 2 * len(house.uris)
    slowest_s = max(took_s, default=0.0)
    attack, tried = "idle connections, then newcomers", f"{count} to each of {len(house.uris)} listeners"
    return [
        Row(
            attack,
            f"{tried}, after one that is being spoken to; newcomers from the bystander's address and another",
            f"{len(took_s)} of {newcomers} newcomers answered; the busy connection {'kept' if kept else 'lost'}; "
            f"{damage.told()}",
            "all answered, the busy one kept, nobody disturbed",
            held=damage.harmless and kept and len(took_s) == newcomers,
        ),
        Row(
            attack,
            tried,
            f"slowest answer to a newcomer after {slowest_s:.2f} s",
            f"{_LET_IN_S:.0f} s",
            slowest_s <= _LET_IN_S,
            timed=True,
        ),
    ]


async def _payloads_given_up(watch: Watch, size: Size) -> Row:
    """Send half of a payload, and reset the connection."""
    house, count = watch.house, _GIVEN_UP[size]
    places = {name: asyncio.Semaphore(_GIVING_UP_AT_ONCE) for name in house.uris}

    async def one(name: str) -> None:
        async with places[name]:
            with contextlib.suppress(OSError), await call(house.uris[name], STRANGER) as attacker:
                await attacker.write(b'{"type": "audio-chunk", "payload_length": %d}\n' % _PAYLOAD_BYTES)
                for _ in range(_PAYLOAD_BYTES // 2 // _PIECE_BYTES):
                    await attacker.write(bytes(_PIECE_BYTES))
                # A reset takes back what was not read by then.
                await asyncio.sleep(_READ_S)
                _reset(attacker.writer)

    before = _descriptors(watch)
    async with watch.during() as damage:
        await asyncio.gather(*(one(name) for _ in range(count) for name in house.uris))
        await until(lambda: not _more_descriptors(watch, before), _SETTLED_S)
        left = _more_descriptors(watch, before)
    kept_mb = max(house.rss_mb(name) - before_mb for name, (before_mb, _) in damage.rss_mb.items())
    return Row(
        "payloads of 4 MiB given up in the middle by a reset",
        f"{count} to each of {len(house.uris)} listeners",
        f"{damage.memory()}, {kept_mb:.0f} MB of it kept; {left} descriptors more; {damage.told()}",
        f"{_MOST_MB:.0f} MB more at most, {_MOST_KEPT_MB:.0f} MB kept, no descriptors, nobody disturbed",
        held=damage.harmless
        and not left
        and kept_mb <= _MOST_KEPT_MB
        and not damage.grown(dict.fromkeys(house.uris, _MOST_MB)),
    )


CROWDS = Part("crowds", _run)
