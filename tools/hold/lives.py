"""Long lives: what a satellite uses must not grow, and no fault may outlast its cause.

A day in virtual time with either pipeline, and beside it some minutes of four real processes.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.hold.direct_life import DirectLife
from tools.hold.home_assistant_life import home_assistant_life
from tools.hold.part import Part, Row, Size
from tools.hold.soak import soak
from tools.testing.virtual_clock import run_virtual

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.hold.virtual_life import Lived, Use

# The real processes must be in time; these only need a processor.
_NICENESS = 10
_MOST_GROWTH_MB = 4.0
# Connections that ask for the info, or ping, come and go.
_MOST_MORE = 2
# A day has some 2,000 turns: one thing left of each tenth is found.
_MOST_OBJECTS = 200
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Length:
    """How long to live: hours of virtual time, the real time they may take (s), and minutes of talk in real time."""

    hours: float
    patience_s: float
    minutes: float


# A day takes about three minutes on two cores that have nothing else to do.
FULL_LENGTH = Length(hours=24.0, patience_s=240.0, minutes=2.0)
SHORT_LENGTH = Length(hours=2.0, patience_s=240.0, minutes=0.3)


def lives(full: Length = FULL_LENGTH) -> Part:
    """Return the part; `full` is how long its full size lives."""

    async def run(folder: Path, size: Size) -> Sequence[Row]:
        length = full if size is Size.FULL else SHORT_LENGTH
        virtual, real = await asyncio.gather(_virtual_lives(length), soak(folder / "soak", length.minutes))
        return [*virtual, *real]

    return Part("lives", run)


async def _virtual_lives(length: Length) -> list[Row]:
    # Processes of their own: what they use is what the satellite in them uses.
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), _begin_worker) as pool:
        loop = asyncio.get_running_loop()
        running = [
            loop.run_in_executor(pool, live, length.hours, length.patience_s) for live in (_direct, _home_assistant)
        ]
        return [row for lived in await asyncio.gather(*running) for row in rows(lived, length.hours)]


def _begin_worker() -> None:
    os.nice(_NICENESS)
    # The servers fail by the hundred here, and each time the satellite says so.
    logging.basicConfig(handlers=[logging.NullHandler()])


def _direct(hours: float, patience_s: float) -> Lived:
    async def live() -> Lived:
        return await DirectLife().live(hours, patience_s)

    return run_virtual(live())


def _home_assistant(hours: float, patience_s: float) -> Lived:
    return run_virtual(home_assistant_life(hours, patience_s))


def rows(lived: Lived, hours: float) -> list[Row]:
    """Say what came of a virtual life."""
    scenes = {name.removeprefix("scene: "): n for name, n in lived.happened.items() if name.startswith("scene: ")}
    wanted = "" if lived.hours >= hours else f" of {hours:g} h, as the machine is busy"
    tried = f"{lived.happened['ask']} turns; " + ", ".join(f"{name} {n}" for name, n in sorted(scenes.items()))
    attack = f"{lived.hours:.0f} h{wanted} in virtual time, {lived.transport} pipeline"
    wrong = f": {'; '.join(lived.wrong[:_SHOWN])}" if lived.wrong else ""
    return [
        Row(attack, tried, *_growth(lived.uses)),
        Row(
            attack,
            tried,
            f"{len(lived.wrong)} faults left standing after {sum(scenes.values())} scenes{wrong}",
            "none: all rests, and the next question is answered",
            not lived.wrong and bool(scenes),
        ),
    ]


def _growth(uses: Sequence[Use]) -> tuple[str, str, bool]:
    """Compare the first and the last hour; returns what is seen, the goal, and whether it is met."""
    first, last = uses[0], uses[-1]
    seen = (
        f"hour {first.hour:.0f} to {last.hour:.0f}: RSS {first.rss_mb:.1f} → {last.rss_mb:.1f} MB, "
        f"descriptors {first.descriptors} → {last.descriptors}, tasks {first.tasks} → {last.tasks}, "
        f"threads {first.threads} → {last.threads}, objects {first.objects:,} → {last.objects:,}"
    )
    goal = f"flat: {_MOST_GROWTH_MB:g} MB, {_MOST_MORE} descriptors, {_MOST_MORE} tasks, {_MOST_OBJECTS} objects more"
    held = (
        len(uses) > 1
        and last.rss_mb - first.rss_mb <= _MOST_GROWTH_MB
        and last.descriptors - first.descriptors <= _MOST_MORE
        and last.tasks - first.tasks <= _MOST_MORE
        and last.threads <= first.threads
        and last.objects - first.objects <= _MOST_OBJECTS
    )
    return seen, goal, held
