"""What is kept on disk of what was said: who may read it, and for how long it is there."""

from __future__ import annotations

import asyncio
import os
import stat
from enum import Enum
from typing import TYPE_CHECKING

from interject.servers.llm.conversations import Retention
from interject.servers.llm.store import Store
from interject.servers.llm.turns import Origin
from tools.hold.harms import store_in
from tools.hold.part import Part, Row, Size
from tools.hold.talking_house import talking_house
from tools.testing.virtual_clock import elapse, run_virtual

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

_QUESTION = "what_time_is_it"
_ANSWERED_WITHIN_S = 20.0
_OTHERS = 0o077
_ROOM, _OTHER_ROOM = "kitchen", "bedroom"
_SECRET = "my bank code is four seven one one"  # noqa: S105 - what a user may say
_REPLY = "I shall not tell."
_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S
_LIFE_S = _HOUR_S
_PAUSE_S = 300.0
# Each ten minutes it is looked for what has expired; six times as long, in case.
_GONE_AFTER_S = _LIFE_S + _HOUR_S
# Any date.
_BEGAN_S = 1_800_000_000.0
_AHEAD_FOR_S = 1.0
# A store looks each ten minutes for what has expired: jumps over half an hour, of which some meet a look. No number of
# them is ten minutes long, else each look could find the clock ahead, as if it had been set right.
_JUMPS, _BETWEEN_JUMPS_S = 300, 5.3


class Fate(Enum):
    """What is to become of something that was said."""

    GONE = "in no file"
    KEPT = "still there"


async def run_kept(folder: Path, size: Size) -> list[Row]:
    """Look at files of a house that talked (not in the short size), and let a store grow old in virtual time."""
    private = [] if size is Size.SHORT else [await _private(folder / "house")]
    hours = _LIFE_S / _HOUR_S
    old = f"--history-hours {hours:g}, and nobody speaks any more"
    expired = await _aged(folder / "expiry", old, _expires, Fate.GONE)
    jumped = await _aged(folder / "jump", "the clock two days ahead for a second", _clock_jumps, Fate.KEPT)
    return [*private, expired, jumped]


KEPT = Part("kept", run_kept)


async def _private(folder: Path) -> Row:
    """Have a house write all that it can keep, and look who may read it."""
    recordings = folder / "recordings"
    async with talking_house(folder, {"satellite": ("--debug-recording-dir", str(recordings))}) as house:
        house.say(_QUESTION)
        await house.seen(lambda: bool(house.of("reply-played")), _ANSWERED_WITHIN_S)
        modes = await asyncio.to_thread(_modes, folder)
    readable = sorted(path.name for path, mode in modes.items() if mode & _OTHERS)
    kinds = {path.suffix for path in modes}
    umask = os.umask(_OTHERS)
    os.umask(umask)
    return Row(
        "files with what was said",
        f"{len(modes)} files of a house that talked, umask {umask:03o}",
        f"others may read {', '.join(readable) or 'none'}",
        "none: traces, conversations, recordings",
        not readable and {".jsonl", ".sqlite3", ".wav"} <= kinds,
    )


def _modes(folder: Path) -> dict[Path, int]:
    """Return the modes of the files that were written below a folder, but for logs, which go wherever we send them."""
    found = {path: path.lstat().st_mode for path in folder.rglob("*") if path.suffix != ".log"}
    return {path: mode for path, mode in found.items() if stat.S_ISREG(mode)}


class Clock:
    """The time in seconds since 1970 as a store is told it; it may jump."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ahead_s = 0.0
        self._loop = loop

    def __call__(self) -> float:
        """Return it."""
        return _BEGAN_S + self._loop.time() + self.ahead_s


async def _aged(folder: Path, attack: str, happens: Callable[[Store, Clock], Awaitable[None]], goal: Fate) -> Row:
    """Have a store keep something, let something happen in virtual time, and look whether it is in its files."""

    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        clock = Clock(loop)
        store = Store(store_in(folder), Retention(life_s=_LIFE_S, pause_s=_PAUSE_S), "offline", clock, loop.time)
        await store.open()
        try:
            begun = await store.begin(_ROOM, Origin(_ROOM, _ROOM, None), 1, _SECRET)
            await store.complete(begun.turn_id, _REPLY)
            await happens(store, clock)
            return await asyncio.to_thread(_files_with_it, folder)
        finally:
            await store.close()

    await asyncio.to_thread(folder.mkdir)
    found = await asyncio.to_thread(lambda: run_virtual(main()))
    seen = f"still in {' and '.join(found)}" if found else "in no file"
    return Row(attack, "a turn, in virtual time", seen, goal.value, bool(found) is (goal is Fate.KEPT))


async def _expires(_: Store, __: Clock) -> None:
    await elapse(_GONE_AFTER_S)


async def _clock_jumps(store: Store, clock: Clock) -> None:
    """Put the clock ahead for a second now and then, while somebody in another room speaks; each time elsewhere."""
    for number in range(_JUMPS):
        clock.ahead_s = 2 * _DAY_S
        await store.begin(_OTHER_ROOM, Origin(_OTHER_ROOM, _OTHER_ROOM, None), number, "what time is it")
        await elapse(_AHEAD_FOR_S)
        clock.ahead_s = 0.0
        await elapse(_BETWEEN_JUMPS_S)


def _files_with_it(folder: Path) -> list[str]:
    """Name a folder's files in which something that was said still is."""
    texts = (_SECRET.encode(), _REPLY.encode())
    return [path.name for path in sorted(folder.iterdir()) if any(text in path.read_bytes() for text in texts)]
