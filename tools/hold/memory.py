"""Connections that hold as much memory as they can: with what they sent last, and with what they never finish."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tools.hold.caller import STRANGER, call
from tools.hold.part import Row, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tools.hold.caller import Call
    from tools.hold.measure import Watch

_IDLE = {Size.SHORT: 4, Size.FULL: 10}
_UNFINISHED = {Size.SHORT: 20, Size.FULL: 200}
# The largest that each accepts.
_DATA_BYTES = {"stt": 1 << 16, "llm": 2 << 20, "tts": 1 << 16, "satellite": 1 << 16}
_PAYLOAD = bytes(4 << 20)
_PIECE_BYTES = 1 << 16
_MOST_MB = 32.0
# What all connections together may have under way, and as much again for the buffers that it passes through.
_MOST_UNFINISHED_MB = 64.0
# A frame that was begun is waited for 10 s, and whoever begins 800 of them has begun some seconds after the first.
_DROPPED_WITHIN_S = 20.0
_A_LITTLE_S = 1.0
_SLOW_PAUSE_S = 0.5


async def hold_memory(watch: Watch, size: Size) -> list[Row]:
    """Try it; in short, that a listener gives up after ten seconds is not waited for."""
    return [
        await _idle(watch, _IDLE[size]),
        await _unfinished(watch, size, "payloads of 4 MiB without their last byte", _without_last_byte),
        await _unfinished(watch, size, "slow loris: a byte of a frame each 0.5 s", _byte_by_byte),
    ]


async def _idle(watch: Watch, connections: int) -> Row:
    """Have connections idle that sent the largest JSON there is."""
    async with watch.during() as damage, contextlib.AsyncExitStack() as stack:
        for name, uri in watch.house.uris.items():
            raw = _largest(_DATA_BYTES[name])
            for _ in range(connections):
                attacker = stack.enter_context(await call(uri, STRANGER))
                await attacker.write(raw)
                await attacker.answers()
        await asyncio.sleep(_A_LITTLE_S)
    kilobytes = "/".join(f"{_DATA_BYTES[name] >> 10}" for name in watch.house.uris)
    return Row(
        "idle connections that once sent the largest JSON there is",
        f"{connections} to each listener, of {kilobytes} kB",
        f"{damage.memory()}; {damage.told()}",
        f"{_MOST_MB:.0f} MB more at most, nobody disturbed",
        held=damage.harmless and not damage.grown(dict.fromkeys(watch.house.uris, _MOST_MB)),
    )


def _largest(size: int) -> bytes:
    """Return a frame whose data takes as much memory as so many bytes of JSON can."""
    lists = b"[]," * ((size - 20) // 3) + b"[]"
    data = b'{"a": [%b]}' % lists
    return b'{"type": "no-such-event", "data_length": %d}\n%b' % (len(data), data)


async def _unfinished(watch: Watch, size: Size, what: str, begin: Callable[[Call], Coroutine[None, None, None]]) -> Row:
    """Begin frames and never finish them, at all listeners at the same time, until they are given up."""
    count, waited_s = _UNFINISHED[size], _DROPPED_WITHIN_S if size is Size.FULL else _A_LITTLE_S

    async def one(uri: str) -> bool:
        with contextlib.suppress(OSError), await call(uri, STRANGER) as attacker:
            beginning = asyncio.create_task(begin(attacker), name=f"unfinished frame for {uri}")
            try:
                async with asyncio.timeout(waited_s):
                    # Who writes to somebody that is gone may find it out seconds later than who reads.
                    await attacker.reader.read()
            except TimeoutError:
                return False
            finally:
                beginning.cancel()
                await asyncio.gather(beginning, return_exceptions=True)
        return True

    async with watch.during() as damage:
        ended = await asyncio.gather(*(one(uri) for uri in watch.house.uris.values() for _ in range(count)))
    left = ended.count(False) if size is Size.FULL else 0
    return Row(
        what,
        f"{count} to each of {len(watch.house.uris)} listeners, {waited_s:.0f} s",
        f"{left} not given up; {damage.memory()}; {damage.told()}",
        f"all given up, {_MOST_UNFINISHED_MB:.0f} MB more at most, nobody disturbed",
        held=damage.harmless and not left and not damage.grown(dict.fromkeys(watch.house.uris, _MOST_UNFINISHED_MB)),
    )


async def _without_last_byte(attacker: Call) -> None:
    await attacker.write(b'{"type": "audio-chunk", "payload_length": %d}\n' % len(_PAYLOAD))
    for start in range(0, len(_PAYLOAD), _PIECE_BYTES):
        await attacker.write(_PAYLOAD[start : min(start + _PIECE_BYTES, len(_PAYLOAD) - 1)])


async def _byte_by_byte(attacker: Call) -> None:
    for byte in b'{"type": "ping"                                                       ':
        await attacker.write(bytes([byte]))
        await asyncio.sleep(_SLOW_PAUSE_S)
