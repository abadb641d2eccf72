"""Sweeps that decide the numbers of hearing and of turn-taking, in the simulated room.

The reply plays throughout, whatever is said into it, so that every rule can be tried on the same windows. What takes
gave is kept in --out until the sources of hearing or of the room change. docs/tuning.md says what was decided by it.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError
from tools.bench.sweep import detecting, engines, guarding, lengths, resets, side_speech, starting, suppression
from tools.bench.sweep.ears import TREATMENTS
from tools.bench.sweep.store import Store, Voices
from tools.bench.sweep.takes import Engine, Start, Take, grid
from tools.simulator.casting import SCENE_S, ChangeKind
from tools.simulator.effort import Effort
from tools.simulator.scene import SCENE_KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.bench.sweep.listening import Listened

    Ask = Callable[[Store, argparse.Namespace], str]

# Four scenes of every kind at every level.
_SCENES = 180
# In each of them a detector hears noise for five minutes, and as many replies are long.
_ROOMS = 20
# Long enough for a first interruption, and a few seconds after it.
_START_S = 18.0
_OUT = Path("out/sweep")


class Question(Enum):
    """What can be asked of it."""

    ENGINES = "engines"
    SUPPRESSION = "suppression"
    SPEAKING = "speaking"
    IDLE = "idle"
    ENDING = "ending"
    GUARD = "guard"
    LENGTHS = "lengths"
    SIDE_SPEECH = "side-speech"
    START = "start"
    RESET = "reset"


def main(argv: Sequence[str] | None = None) -> int:
    """Listen and print; status 2 when something that is needed is missing."""
    wanted = _parse(argv)
    store = Store(wanted.out, Voices(wanted.flite, wanted.speech), wanted.jobs)
    try:
        for question in wanted.question or Question:
            sys.stdout.write(_ASK[Question(question)](store, wanted))
    except (InterjectError, OSError) as error:
        sys.stderr.write(f"sweep: {error}\n")
        return 2
    return 0


def _engines(store: Store, wanted: argparse.Namespace) -> str:
    chosen = [Engine(name) for name in wanted.engine or (Engine.KALMAN.value,)]
    return engines.report({engine: store.listen(_takes(wanted), engine) for engine in chosen})


def _takes(wanted: argparse.Namespace) -> tuple[Take, ...]:
    kinds = tuple(Kind(name) for name in wanted.kind) if wanted.kind else SCENE_KINDS
    return grid(wanted.scenes, wanted.first_seed, kinds, _like(wanted))


def _like(wanted: argparse.Namespace) -> Take:
    change = ChangeKind(wanted.change)
    return Take(Kind.SILENCE, 0, 0.0, change=change, drift_ppm=wanted.drift_ppm, seconds=wanted.seconds)


def _suppression(store: Store, wanted: argparse.Namespace) -> str:
    return suppression.report(store.listen(_takes(wanted), Engine.KALMAN, TREATMENTS))


def _over_playback(report: Callable[[Sequence[Listened]], str]) -> Ask:
    return lambda store, wanted: report(store.listen(_takes(wanted), Engine.KALMAN))


def _in_silence(report: Callable[[Sequence[Listened]], str]) -> Ask:
    return lambda store, wanted: report(store.listen(_takes(wanted), Engine.CEILING))


def _side_speech(store: Store, wanted: argparse.Namespace) -> str:
    """Have whispers and shouts as well, and more side speech."""
    takes = list(_takes(wanted))
    count, seed = wanted.scenes // 6, wanted.first_seed
    for effort in (Effort.WHISPER, Effort.SHOUT):
        takes += grid(count, seed, (Kind.LONG, Kind.SHORT), replace(_like(wanted), effort=effort))
    takes += grid(count, seed, (Kind.SIDE_TALK,), _like(wanted))
    return side_speech.report(store.listen(takes, Engine.KALMAN))


def _start(store: Store, wanted: argparse.Namespace) -> str:
    takes: list[Take] = []
    for effort in (Effort.NORMAL, Effort.SHOUT):
        like = replace(_like(wanted), effort=effort, start=Start.LATE, seconds=_START_S)
        takes += grid(wanted.scenes // 2, wanted.first_seed, (Kind.LONG, Kind.SHORT, Kind.WORD, Kind.SILENCE), like)
    return starting.report(store.listen(takes, Engine.KALMAN))


def _reset(store: Store, wanted: argparse.Namespace) -> str:
    takes = _takes(wanted)[:_ROOMS]
    long = store.listen(resets.long_takes(len(takes), wanted.first_seed), Engine.KALMAN, resets.LONG_TREATMENTS)
    return resets.long_replies(long) + resets.silences(takes, store.corpus())


_ASK: dict[Question, Ask] = {
    Question.ENGINES: _engines,
    Question.SUPPRESSION: _suppression,
    Question.SPEAKING: _over_playback(detecting.speaking),
    Question.IDLE: _in_silence(detecting.idle),
    Question.ENDING: _in_silence(detecting.ending),
    Question.GUARD: _over_playback(guarding.report),
    Question.LENGTHS: _over_playback(lengths.report),
    Question.SIDE_SPEECH: _side_speech,
    Question.START: _start,
    Question.RESET: _reset,
}


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench sweep", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    questions = [question.value for question in Question]
    add(
        "question",
        nargs="*",
        choices=[*questions, []],
        metavar="QUESTION",
        help=f"{', '.join(questions)}; default: all",
    )
    add("--scenes", type=int, default=_SCENES, metavar="N", help=f"default: {_SCENES}")
    add("--first-seed", type=int, default=0, metavar="S", help="numbers were chosen on 0 to 999, checked from 5000 on")
    add("--engine", action="append", choices=[engine.value for engine in Engine], help="default: kalman")
    add("--kind", action="append", choices=[kind.value for kind in SCENE_KINDS], help="default: all in turn")
    add("--change", choices=[change.value for change in ChangeKind], default=ChangeKind.NONE.value, help="mid-scene")
    add("--drift-ppm", type=float, default=0.0, metavar="PPM", help="of the loudspeaker's clock")
    add("--seconds", type=float, default=SCENE_S, metavar="S", help=f"length of a scene; default: {SCENE_S:g}")
    add("--flite", action="store_true", help="let flite's voices speak as well")
    add("--speech", type=Path, metavar="DIR", help="recorded voices as well: WAV files and a manifest.json")
    add("--jobs", type=int, default=1, metavar="N", help="processes; default: 1")
    add("--out", type=Path, default=_OUT, metavar="DIR", help=f"where to keep what was heard; default: {_OUT}")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
