"""Has every trial said in some room, and said again where a room stood still or a reply was over too soon."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from script.support.bench_rooms import record
from script.support.engine_bench.casting import arrange
from script.support.engine_bench.engines import room_flags
from script.support.engine_bench.judging import judge, latencies
from tests.real_time import canary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from script.support.bench_rooms import Engines
    from script.support.engine_bench.casting import Trial
    from script.support.engine_bench.judging import Judged, Latencies
    from tests.real_time import Lateness

# A room of some ten minutes: it is over before its history gets long, and little is lost where it stands still.
_MOST_TRIALS = 100
# A trial that found no reply to break into so often will find none.
_ATTEMPTS = 4


@dataclass(slots=True)
class Results:
    """What the trials of one pair of engines came to; `untried` found no reply to break into.

    lateness: by room, how late the machine was.
    """

    trials: list[Judged] = field(default_factory=list)
    turns: list[Latencies] = field(default_factory=list)
    untried: list[Trial] = field(default_factory=list)
    lateness: dict[str, Lateness] = field(default_factory=dict)


async def try_all(
    trials: Sequence[Trial],
    engines: Engines,
    reply_level_dbfs: float,
    folder: Path,
    progress: Callable[[Results], None],
    seed: int,
) -> Results:
    """Try everything, one room at a time; raises ProcessDiedError, NotReadyError."""
    results = Results()
    for echo in dict.fromkeys(trial.echo for trial in trials):
        flags = replace(engines, room_flags=room_flags(echo, reply_level_dbfs))
        left = [(trial, _ATTEMPTS) for trial in trials if trial.echo == echo]
        number = 0
        while left:
            batch, left = left[:_MOST_TRIALS], left[_MOST_TRIALS:]
            room = f"{echo}-{number}"
            spoken = arrange([trial for trial, _ in batch], seed + number)
            number += 1
            with canary() as watched:
                recording = await record([line.cue for line in spoken], folder / room, lambda _: None, flags)
                results.lateness[room] = watched.stop()
            judged = judge(spoken, recording, room)
            results.trials += judged
            results.turns += latencies(spoken, recording)
            tried = {one.trial.number for one in judged}
            again = [(trial, attempts - 1) for trial, attempts in batch if trial.number not in tried]
            left += [(trial, attempts) for trial, attempts in again if attempts]
            results.untried += [trial for trial, attempts in again if not attempts]
            progress(results)
    return results
