"""The whole satellite in the acoustic room: how often it interrupts itself, whom it hears, and how soon.

Each scene is a living room of its own, in which a user asks something, a reply plays, and people speak into it or near
it. Front end, VAD, turn machine and player are the satellite's own; speech recognition knows the words that were said,
and the reply is made of speech. Time is virtual, and every onset is known to the sample.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from interject.satellite.aec.engines import CancellerKind
from interject.satellite.turn.settings import Judgement
from interject.wire.errors import InterjectError
from tools.bench.report import conclusion, missed, table
from tools.bench.room.figures import figures
from tools.bench.room.performance import Options
from tools.bench.room.picture import draw
from tools.bench.room.program import program
from tools.bench.room.report import comparison, write
from tools.bench.room.runner import Job, run
from tools.bench.room.settings import changed
from tools.room.arguments import add_voices, chosen_corpus, how_many, one_of, seed
from tools.simulator.equipment import Equipment
from tools.simulator.scene import SCENE_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.bench.room.judged import Judged
    from tools.simulator.corpus import Corpus

# Six rounds of every kind of scene at every echo level, and a third as many under stress: more than two hours of
# playback.
_SCENES = 360
# Seeds that nothing was tuned on.
_SEED = 10_000
_PROCESSES = 2
# A line about the progress every so often.
_PROGRESS_SCENES = 20


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; status 1 where an engine misses a goal, 2 when it cannot be measured."""
    arguments = _parse(argv)
    try:
        engines = _options(arguments)
        corpus = chosen_corpus(arguments)
        arguments.out.mkdir(parents=True, exist_ok=True)
        every = _measure(_jobs(arguments, engines, corpus), arguments.scenes * len(engines), arguments.jobs)
        by_engine = {options.engine.value: _of(every, options) for options in engines}
        found = {engine: figures(judged) for engine, judged in by_engine.items()}
        for engine, rows in found.items():
            hours = sum(judged.playback_s for judged in by_engine[engine]) / 3600
            _say(f"\n== {engine}: {len(by_engine[engine])} scenes, {hours:.2f} h of playback\n\n{table(rows)}")
            _say(f"\n{engine}: {conclusion(rows)}")
        if len(found) > 1:
            _say(f"\n{comparison(found)}")
        write(arguments.out / "bench-room.json", vars(arguments), every, found)
        draw(every, arguments.out / "bench-room.png")
    except (InterjectError, OSError) as error:
        sys.stderr.write(f"bench room: {error}\n")
        return 2
    _say(f"\nWritten to {arguments.out / 'bench-room.json'} and .png")
    return 1 if any(missed(rows) for rows in found.values()) else 0


def _options(arguments: argparse.Namespace) -> list[Options]:
    turn, hearing = changed([*arguments.set, f"judgement={arguments.judgement.value}"])
    return [Options(engine, turn, hearing) for engine in arguments.engine or [CancellerKind.KALMAN]]


def _jobs(arguments: argparse.Namespace, engines: Sequence[Options], corpus: Corpus) -> Iterator[Job]:
    kinds = arguments.kind or SCENE_KINDS
    parts = program(arguments.scenes, arguments.seed, corpus, kinds, arguments.equipment)
    return (Job(part, options, arguments.only_failures) for part, options in itertools.product(parts, engines))


def _measure(jobs: Iterator[Job], count: int, processes: int) -> list[Judged]:
    every: list[Judged] = []
    began_s = time.monotonic()
    for judged in run(jobs, processes):
        every.append(judged)
        if len(every) % _PROGRESS_SCENES == 0 or len(every) == count:
            speed = sum(one.seconds for one in every) / (time.monotonic() - began_s)
            _say(f"{len(every)} of {count} scenes, {speed:.0f} times as fast as real time")
    return every


def _of(every: Sequence[Judged], options: Options) -> list[Judged]:
    return [judged for judged in every if judged.engine == options.engine.value]


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench room", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    engines = ", ".join(kind.value for kind in CancellerKind)
    add(
        "--engine",
        action="append",
        type=CancellerKind,
        metavar="KIND",
        help=f"{engines}; several to compare them; default: {CancellerKind.KALMAN.value}",
    )
    add("--scenes", type=how_many, default=_SCENES, metavar="N", help=f"default: {_SCENES}")
    add("--seed", type=seed, default=_SEED, metavar="S", help=f"of the first scene; default: {_SEED}")
    add(
        "--judgement",
        type=Judgement,
        default=Judgement.WORDS,
        metavar="HOW",
        help="words, or duration: no recogniser can be asked, as with Home Assistant; default: words",
    )
    add("--kind", action="append", type=one_of(SCENE_KINDS), metavar="KIND", help="only such scenes, and no stress")
    add("--equipment", type=one_of(Equipment), metavar="CLASS", help="all with such devices; default: the room's mix")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of turn-taking or hearing")
    add("--jobs", type=how_many, default=_PROCESSES, metavar="N", help=f"processes; default: {_PROCESSES}")
    add("--only-failures", type=Path, metavar="DIR", help="write the sound of the scenes in which something went wrong")
    add("--out", type=Path, default=Path("out/bench-room"), metavar="DIR", help="default: out/bench-room")
    add_voices(parser)
    return parser.parse_args(argv)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
