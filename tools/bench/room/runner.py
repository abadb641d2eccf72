"""Runs the scenes of a bench, each by itself, in as many processes as wanted."""

from __future__ import annotations

import logging
import multiprocessing
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from interject.satellite.simulator.room import Heard
from tools.bench.room.failures import failures
from tools.bench.room.judge import judge
from tools.bench.room.performance import perform
from tools.room.scene_files import write_scene
from tools.simulator.rendering import render_scene

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from tools.bench.room.judged import Judged
    from tools.bench.room.performance import Options, Performance
    from tools.bench.room.program import Part

# Of jobs that wait for a process: enough to keep it busy, few enough to keep their sound out of memory.
_WAITING = 4


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A scene to be lived through; what goes wrong in it is written below `failures_to`, if that is given."""

    part: Part
    options: Options
    failures_to: Path | None = None


def run(jobs: Iterable[Job], processes: int) -> Iterator[Judged]:
    """Give the judged scenes in the order of the jobs, whoever ran them."""
    started: deque[Future[Judged]] = deque()
    # A process that is begun anew has none of this one's threads and locks.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _be_quiet) as pool:
        for job in jobs:
            started.append(pool.submit(live_through, job))
            if len(started) >= processes + _WAITING:
                yield started.popleft().result()
        while started:
            yield started.popleft().result()


def live_through(job: Job) -> Judged:
    """Do one job."""
    performance = perform(render_scene(job.part.scene, job.part.corpus), job.options)
    judged = judge(performance, job.options, job.part.group)
    if job.failures_to is not None and failures(judged.outcomes, judged.false_alarms):
        _keep(job.failures_to / judged.engine / judged.name, performance, judged)
    return judged


def _keep(folder: Path, performance: Performance, judged: Judged) -> None:
    played, apart = performance.loudspeaker, (performance.echo, performance.people, performance.noise)
    heard = Heard(performance.mic, played, played, *apart)
    told = {
        "failures": [asdict(failure) for failure in failures(judged.outcomes, judged.false_alarms)],
        "outcomes": [asdict(outcome) for outcome in judged.outcomes],
        "records": performance.records,
    }
    write_scene(folder, performance.rendered, performance.loudspeaker, heard, told)


def _be_quiet() -> None:
    """Print nothing of what a satellite tells its user: the figures say it for all of them."""
    logging.disable(logging.WARNING)
