"""Many connections: in a storm, idle, that never read, that give up in the middle, and more than a process may have."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import time
from typing import TYPE_CHECKING

import psutil

from script.support.hold.bystander import together
from script.support.hold.caller import HERE, STRANGER, call, is_up, until
from script.support.hold.house import Wanted
from script.support.hold.measure import open_watched
from script.support.hold.part import Part, Row, Size
from wire.uri import TcpAddress, parse_uri

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from script.support.hold.caller import Call
    from script.support.hold.measure import Watch

_STORM = {Size.SHORT: 200, Size.FULL: 2000}
_AT_ONCE = 50
_IDLE = {Size.SHORT: 300, Size.FULL: 500}
_DEAF = {Size.SHORT: 5, Size.FULL: 30}
_DEAF_S = {Size.SHORT: 1.0, Size.FULL: 5.0}
_GIVEN_UP = {Size.SHORT: 20, Size.FULL: 200}
_TOO_MANY = 300
_DESCRIPTORS = 64
_THIRD = "127.0.0.3"
_DESCRIBE = b'{"type": "describe"}\n'
_PAYLOAD_BYTES = 4 << 20
# What remains of a connection is gone after half a second, unless the machine is busy.
_SETTLED_S = 20.0
_NEWCOMER_S = 1.0
_BACK_S = 2.0
_HELD_S = 3.0
_CONNECTED_S = 1.0
# Of a descriptor that is not there a process tells once a minute, of connections that were cut some more.
_MOST_LINES = 30
_MOST_MB = 32.0
# Closing such a socket resets the connection.
_RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"


async def _run(folder: Path, size: Size) -> Sequence[Row]:
    async with open_watched(folder / "house", Wanted()) as watch:
        rows = [
            await _storm(watch, _STORM[size]),
            *await _idle(watch, _IDLE[size]),
            await _never_read(watch, size),
            await _given_up(watch, _GIVEN_UP[size]),
        ]
    async with open_watched(folder / "few-descriptors", Wanted()) as watch:
        return [*rows, *await _no_descriptors(watch)]


async def _storm(watch: Watch, count: int) -> Row:
    """Connect and leave, as fast as it goes; every other connection is reset."""
    house = watch.house
    before = {name: house.descriptors(name) for name in house.uris}
    async with watch.during() as quiet:
        await asyncio.sleep(1.0)
    async with watch.during() as damage:
        began = time.monotonic()
        places = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(_pass_by(uri, places, number) for number in range(count) for uri in house.uris.values()))
        took_s = time.monotonic() - began
        left = await until(lambda: not _more(watch, before), _SETTLED_S)
    alone, beside = together(quiet.pings.values()), together(damage.pings.values())
    return Row(
        "connections that come and go, every other one reset",
        f"{count} to each of {len(house.uris)} listeners in {took_s:.1f} s",
        f"{damage.told()}; {', '.join(_more(watch, before)) or 'none'} kept open; pings of a bystander: "
        f"{beside.told()}, without {alone.told()}",
        "nobody disturbed, none kept open",
        held=damage.harmless and left,
    )


async def _pass_by(uri: str, places: asyncio.Semaphore, number: int) -> None:
    place = parse_uri(uri)
    assert isinstance(place, TcpAddress)  # noqa: S101 - no house is anywhere else
    async with places:
        with socket.socket() as passing:
            passing.settimeout(0)
            passing.bind((STRANGER, 0))
            if number % 2:
                passing.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            with contextlib.suppress(OSError):
                await asyncio.get_running_loop().sock_connect(passing, (place.host, place.port))


def _more(watch: Watch, before: dict[str, int]) -> list[str]:
    """Return whose descriptors have become more."""
    # The satellite itself asks servers how they are.
    return [name for name, count in before.items() if watch.house.descriptors(name) > count + 2]


async def _idle(watch: Watch, count: int) -> list[Row]:
    """Let many connections be idle, and then somebody else come."""
    house = watch.house
    newcomers: list[float | None] = []
    async with watch.during() as damage, contextlib.AsyncExitStack() as stack:
        for uri in house.uris.values():
            for _ in range(count):
                attacker = stack.enter_context(await call(uri, STRANGER))
                await attacker.answers()
            newcomers += [await _answer_s(uri, address) for address in (HERE, _THIRD)]
    slowest = max((took_s or 0.0 for took_s in newcomers), default=0.0)
    attack, tried = "idle connections, and then newcomers", f"{count} to each of {len(house.uris)} listeners"
    return [
        Row(
            attack,
            f"{tried}; newcomers from two other addresses",
            f"{newcomers.count(None)} of {len(newcomers)} newcomers not answered; {damage.told()}",
            "all answered, nobody disturbed",
            held=damage.harmless and None not in newcomers,
        ),
        Row(
            attack,
            tried,
            f"slowest answer to one after {slowest:.2f} s",
            f"{_NEWCOMER_S:g} s",
            slowest <= _NEWCOMER_S,
            timed=True,
        ),
    ]


async def _answer_s(uri: str, address: str) -> float | None:
    """Return how long a newcomer waits for an answer."""
    began = time.monotonic()
    with contextlib.suppress(OSError), await call(uri, address) as newcomer:
        if await newcomer.answers():
            return time.monotonic() - began
    return None


async def _never_read(watch: Watch, size: Size) -> Row:
    """Ask without end, and read nothing of what is answered."""
    house, seconds = watch.house, _DEAF_S[size]

    async def ask(uri: str) -> None:
        with contextlib.suppress(OSError, TimeoutError), await _deaf(uri) as attacker:
            async with asyncio.timeout(seconds):
                while True:
                    await attacker.write(_DESCRIBE * 100)

    async with watch.during() as damage:
        await asyncio.gather(*(ask(uri) for uri in house.uris.values() for _ in range(_DEAF[size])))
    return Row(
        "clients that ask without end and never read",
        f"{_DEAF[size]} at each of {len(house.uris)} listeners, {seconds:g} s",
        f"{damage.memory()}; {damage.told()}",
        f"{_MOST_MB:.0f} MB more at most, nobody disturbed",
        held=damage.harmless and not damage.grown(dict.fromkeys(house.uris, _MOST_MB)),
    )


async def _deaf(uri: str) -> Call:
    """Connect and let nothing be received."""
    attacker = await call(uri, STRANGER)
    transport = attacker.writer.transport
    assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a connection of asyncio's goes both ways
    transport.pause_reading()
    return attacker


async def _given_up(watch: Watch, count: int) -> Row:
    """Send half of the largest payload there is, and vanish."""
    house = watch.house
    half = b'{"type": "audio-chunk", "payload_length": %d}\n' % _PAYLOAD_BYTES + bytes(_PAYLOAD_BYTES // 2)

    async def begin(uri: str) -> None:
        for _ in range(count):
            with contextlib.suppress(OSError), await call(uri, STRANGER) as attacker:
                await attacker.write(half)

    async with watch.during() as damage:
        await asyncio.gather(*(begin(uri) for uri in house.uris.values()))
    return Row(
        "payloads of 4 MiB that end in the middle with their connection",
        f"{count} to each of {len(house.uris)} listeners",
        f"{damage.memory()}; {damage.told()}",
        f"{_MOST_MB:.0f} MB more at most, nobody disturbed",
        held=damage.harmless and not damage.grown(dict.fromkeys(house.uris, _MOST_MB)),
    )


async def _no_descriptors(watch: Watch) -> list[Row]:
    """Take all the descriptors that processes have."""
    house = watch.house
    for name in house.uris:
        psutil.Process(house.processes.pid(name)).rlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, _DESCRIPTORS))
    before = {name: _lines(house.log(name)) for name in house.uris}
    async with watch.during() as damage:
        async with contextlib.AsyncExitStack() as stack:
            for uri in house.uris.values():
                for attacker in await asyncio.gather(*(_as_far_as_it_goes(uri) for _ in range(_TOO_MANY))):
                    if attacker is not None:
                        stack.enter_context(attacker)
            await asyncio.sleep(_HELD_S)
        began = time.monotonic()
        back = [await _is_back(uri) for uri in house.uris.values()]
        back_s = time.monotonic() - began
    lines = [_lines(house.log(name)) - before[name] for name in house.uris]
    attack = f"more connections than a process has descriptors (ulimit -n {_DESCRIPTORS})"
    tried = f"{_TOO_MANY} to each of {len(house.uris)} listeners, {_HELD_S:g} s"
    return [
        Row(
            attack,
            tried,
            f"{damage.told()}; {back.count(True)} of {len(back)} answer newcomers afterwards; "
            f"{'/'.join(map(str, lines))} lines of log",
            f"no death, nobody disturbed, newcomers answered afterwards, {_MOST_LINES} lines",
            held=damage.harmless and all(back) and max(lines) <= _MOST_LINES,
        ),
        Row(attack, tried, f"newcomers answered after {back_s:.1f} s", f"{_BACK_S:g} s", back_s <= _BACK_S, timed=True),
    ]


async def _as_far_as_it_goes(uri: str) -> Call | None:
    """Connect; None where the kernel keeps the connection waiting, as the process takes no more."""
    with contextlib.suppress(OSError):
        async with asyncio.timeout(_CONNECTED_S):
            return await call(uri, STRANGER)
    return None


async def _is_back(uri: str) -> bool:
    ends = time.monotonic() + _SETTLED_S
    while time.monotonic() < ends:
        if await is_up(uri):
            return True
    return False


def _lines(log: bytes) -> int:
    return log.count(b"\n")


CROWDS = Part("crowds", _run)
