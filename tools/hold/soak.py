"""Four real processes that talk for minutes: questions, barge-ins and stop words, and what it leaves in them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from tools.hold.part import Row
from tools.hold.talking_house import SERVERS, TalkingHouse, talking_house

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NAMES = ("satellite", *SERVERS)
_SEED = 12
_S_PER_MINUTE = 60.0
_PATIENCE_S = 20.0
# A decoder pair more of the STT server, which two utterances at once bring about, has 125 MB; nothing else may grow.
_MOST_GROWTH_MB = 8.0
_MOST_MORE = 3
_QUESTIONS = ("what_time_is_it", "tell_me_a_story", "count_to_twenty")
_INTO_REPLY = ("stop", "what_time_is_it", "what_time_is_it", "uh_huh", "cough")
_LONGEST_REPLY_HEARD_S = 2.0


@dataclass(frozen=True, slots=True)
class Use:
    """What a process uses."""

    rss_mb: float
    descriptors: int
    threads: int


async def soak(folder: Path, minutes: float) -> list[Row]:
    """Talk for some minutes."""
    uses: dict[str, list[Use]] = {name: [] for name in _NAMES}
    async with talking_house(folder) as house:
        random = Random(_SEED)  # noqa: S311 - the same talk each time
        ends_at = time.monotonic() + minutes * _S_PER_MINUTE
        stuck = 0
        while time.monotonic() < ends_at and house.died() is None:
            stuck += not await _turn(house, random)
            for name in _NAMES:
                uses[name].append(Use(house.rss_mb(name), house.descriptors(name), house.threads(name)))
        asked, cut = len(house.of("ask")), len(house.of("interrupt"))
        failed, died, tracebacks = len(house.of("failed")), house.died(), house.tracebacks()
    attack, tried = f"{minutes:g} min of talk, four processes", f"{asked} turns, {cut} interruptions"
    wrong = f"{failed} failures, {stuck} turns without an end, {died or 'nobody'} ended, {tracebacks} tracebacks"
    well = not failed and not stuck and died is None and not tracebacks
    return [Row(attack, tried, wrong, "none", well, timed=True), *(_growth(attack, tried, n, uses[n]) for n in _NAMES)]


async def _turn(house: TalkingHouse, random: Random) -> bool:
    """Ask something, and speak or cough into the reply; tells whether the satellite came to rest."""
    since = len(house.records)
    house.say(random.choice(_QUESTIONS))
    if await house.seen(lambda: bool(house.of("reply-started", since)), _PATIENCE_S):
        await asyncio.sleep(random.uniform(0.2, 1.5))
        said_until = house.say(random.choice(_INTO_REPLY))
        await asyncio.sleep(max(0.0, said_until - time.monotonic()))
        await house.rests(_LONGEST_REPLY_HEARD_S)
    if await house.rests(0.0):
        return True
    house.say("stop")
    return await house.rests(_PATIENCE_S)


def _growth(attack: str, tried: str, name: str, uses: Sequence[Use]) -> Row:
    """Compare the first fifth with the last one."""
    fifth = max(1, len(uses) // 5)
    first, last = uses[:fifth], uses[-fifth:]
    rss = median(use.rss_mb for use in first), median(use.rss_mb for use in last)
    descriptors = max(use.descriptors for use in first), max(use.descriptors for use in last)
    threads = max(use.threads for use in first), max(use.threads for use in last)
    seen = (
        f"{name}: RSS {rss[0]:.1f} → {rss[1]:.1f} MB, descriptors {descriptors[0]} → {descriptors[1]}, "
        f"threads {threads[0]} → {threads[1]}"
    )
    held = (
        rss[1] - rss[0] <= _MOST_GROWTH_MB
        and descriptors[1] - descriptors[0] <= _MOST_MORE
        and threads[1] - threads[0] <= _MOST_MORE
    )
    return Row(attack, tried, seen, f"flat: {_MOST_GROWTH_MB:g} MB, {_MOST_MORE} descriptors or threads more", held)
