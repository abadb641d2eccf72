"""Has every trial said in some room, and said again where a room stood still or a reply was over too soon."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tools.bench.engines.casting import arrange, rooms_of
from tools.bench.engines.engines import room_flags
from tools.bench.engines.judging import judge, latencies
from tools.bench.run_room import record
from tools.testing.real_time import canary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tools.bench.engines.casting import Trial
    from tools.bench.engines.judging import Judged, Latencies
    from tools.bench.run_room import Engines
    from tools.testing.real_time import Lateness

# A room of some five minutes: it is over before its history gets long, and little is lost where it stands still.
_MOST_TRIALS = 50
# Trials that found no reply to break into so often will find none; where no other one did twice in a row, neither.
_ATTEMPTS = 8
_FRUITLESS = 2


@dataclass(slots=True)
class Results:
    """What the trials of one pair of engines came to; `untried` found no reply to break into.

    lateness: by room, how late the machine was. failures: what failed in the rooms, by stage, and how often.
    """

    trials: list[Judged] = field(default_factory=list)
    turns: list[Latencies] = field(default_factory=list)
    untried: list[Trial] = field(default_factory=list)
    lateness: dict[str, Lateness] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)


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
        left = [trial for trial in trials if trial.echo == echo]
        attempts = fruitless = 0
        while left and attempts < _ATTEMPTS and fruitless < _FRUITLESS:
            before = len(results.trials)
            for number, batch in enumerate(rooms_of(left, _MOST_TRIALS, seed + attempts)):
                spoken, room = arrange(batch, seed + attempts), f"{echo}-{attempts}-{number}"
                with canary() as watched:
                    recording = await record([line.cue for line in spoken], folder / room, lambda _: None, flags)
                    results.lateness[room] = watched.stop()
                results.trials += judge(spoken, recording, room)
                results.turns += latencies(spoken, recording)
                results.failures.update(event["stage"] for event in recording.of("satellite", "failed"))
                progress(results)
            attempts += 1
            fruitless = 0 if len(results.trials) > before else fruitless + 1
            tried = {one.trial.number for one in results.trials}
            left = [trial for trial in left if trial.number not in tried]
        results.untried += left
    return results
