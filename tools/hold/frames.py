"""Frames that are none, frames that make no sense, and frames that are as large as they may be."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import TYPE_CHECKING

from tools.hold.caller import STRANGER, call
from tools.hold.crafted import MADE_UP_LINE, crafted
from tools.hold.fuzz import batches
from tools.hold.house import Wanted
from tools.hold.measure import open_watched
from tools.hold.memory import hold_memory
from tools.hold.part import Part, Row, Size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.hold.measure import Watch

# A frame that was begun is waited for 10 s; nothing of these is left unfinished by then.
_ENDS_S = 12.0
_AT_ONCE = 8
_CASES = {Size.SHORT: 600, Size.FULL: 100_000}
_BATCH = 600
_SEED = 1
_MOST_GROWN_MB = 32.0
# As many utterances at a time as there are cores, and one more; each has a pair of decoders, kept for ten minutes.
_DECODER_PAIR_MB = 125.0
# Ten warnings a minute of one kind and peer, of a thousand characters each at most, and some kinds.
_MOST_LOGGED_KB = 200.0


async def _run(folder: Path, size: Size) -> Sequence[Row]:
    async with open_watched(folder, Wanted()) as watch:
        return [*await hold_memory(watch, size), *await _crafted(watch, size), await _fuzzed(watch, size)]


async def _crafted(watch: Watch, size: Size) -> list[Row]:
    """Send each input to each listener by a connection of its own."""
    inputs = [raw for _, raw in await asyncio.to_thread(lambda: list(crafted()))]
    if size is Size.SHORT:
        inputs = inputs[::3]
    places = asyncio.Semaphore(_AT_ONCE)
    house = watch.house

    async def send(uri: str, raw: bytes) -> bool:
        async with places:
            return await _ends(uri, raw)

    async with watch.during() as damage:
        ended = await asyncio.gather(*(send(uri, raw) for raw in inputs for uri in house.uris.values()))
    lines = [line for name in house.uris for line in house.log(name).decode(errors="replace").split("\n")]
    raw = sum(not line.isprintable() for line in lines)
    made_up = sum(line.startswith(MADE_UP_LINE) for line in lines)
    return [
        Row(
            "crafted inputs: lengths, nesting, other protocols, fields that make no sense",
            f"{len(inputs)} to each of {len(house.uris)} listeners",
            f"{damage.told()}; {ended.count(False)} connections that did not end",
            "no death, no traceback, nobody disturbed, all end",
            held=damage.harmless and all(ended),
        ),
        Row(
            "foreign text in logs: terminal escapes, made-up lines, 900 kB",
            "the same inputs",
            f"{damage.logged_kb:.0f} kB at most, {raw} lines with control characters, {made_up} made up",
            f"{_MOST_LOGGED_KB:.0f} kB, none",
            held=damage.logged_kb <= _MOST_LOGGED_KB and not raw and not made_up,
        ),
    ]


async def _fuzzed(watch: Watch, size: Size) -> Row:
    """Send events with wrong fields to all listeners at the same time."""
    cases, house = _CASES[size], watch.house
    async with watch.during() as damage:
        begun = time.monotonic()
        silent = await asyncio.gather(*(_fuzz(name, uri, cases) for name, uri in house.uris.items()))
        took_s = time.monotonic() - begun
    most_mb = dict.fromkeys(house.uris, _MOST_GROWN_MB) | {"stt": _DECODER_PAIR_MB * ((os.cpu_count() or 1) + 1)}
    return Row(
        "fuzz: well-framed events with wrong fields, NaN, 2^70, half surrogates; then corrupted bytes",
        f"{cases:,} to each of {len(house.uris)} listeners, seed {_SEED}, {took_s:.0f} s",
        f"{damage.told()}; {sum(silent)} batches unanswered; {damage.memory()}; {damage.logged_kb:.0f} kB of log",
        f"no death, no traceback, nobody disturbed, all answered; {_MOST_GROWN_MB:.0f} MB more at most, "
        f"stt {most_mb['stt']:.0f} MB; {_MOST_LOGGED_KB:.0f} kB of log",
        held=damage.harmless and not any(silent) and not damage.grown(most_mb) and damage.logged_kb <= _MOST_LOGGED_KB,
    )


async def _fuzz(listener: str, uri: str, cases: int) -> int:
    """Send so many, and return how many batches were not followed by the answer to a ping."""
    silent = 0
    for raw, corrupted in batches(listener, _SEED, cases, _BATCH):
        with contextlib.suppress(ConnectionError), await call(uri, STRANGER) as attacker:
            # What is answered has to be read meanwhile, or the listener waits before it reads on.
            _, answered = await asyncio.gather(attacker.write(raw), attacker.answers(_ENDS_S))
            silent += not answered
            await attacker.write(corrupted)
    return silent


async def _ends(uri: str, raw: bytes) -> bool:
    """Send bytes and the end of the stream, and tell whether the other side ends as well."""
    try:
        with await call(uri, STRANGER) as attacker:
            with contextlib.suppress(ConnectionError):
                await attacker.write(raw)
                attacker.writer.write_eof()
            async with asyncio.timeout(_ENDS_S):
                while await attacker.reader.read(1 << 16):
                    pass
    except TimeoutError:
        return False
    except OSError:
        # A reset is an end too.
        pass
    return True


FRAMES = Part("frames", _run)
