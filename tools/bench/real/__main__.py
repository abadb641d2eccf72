"""The satellite's hearing on recordings of real loudspeakers and microphones: whom it hears, and what it mistakes.

A folder of recorded pairs (what the microphone heard, what the loudspeaker was given) goes through the product's own
front end, echo guard and turn evidence. With --speech, dry voices are added to the recordings in which nobody speaks,
so many dB below the echo, with onsets that are exact: once as it is, and once with the reply ducked as the satellite
would. Several engines make one table.

Status: 0 all goals met, 1 one is missed (which one is told), 2 it could not be measured.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from interject.satellite.aec.engines import CancellerKind
from interject.wire.errors import InterjectError
from tools.bench.real.figures import figures
from tools.bench.real.recordings import read_recordings
from tools.bench.real.report import missed, table, unheard, write
from tools.bench.real.runner import run, transcribe
from tools.bench.real.voices import added, read_voices
from tools.bench.real.words import Recogniser, word_figures
from tools.bench.room.performance import Options
from tools.bench.room.settings import changed
from tools.room.arguments import how_many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.bench.real.runner import Results
    from tools.bench.room.rows import AnyFigure

_LEVELS_DB = (0.0, 10.0, 20.0)
_VOICES = 3
_PROCESSES = 2
_MOST_DB = 40.0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    arguments = _parse(argv)
    try:
        turn, hearing = changed(arguments.set)
        engines = [Options(engine, turn, hearing) for engine in arguments.engine or [CancellerKind.KALMAN]]
        recordings = read_recordings(arguments.recordings, arguments.only)
        voices = [voice for folder in arguments.speech for voice in read_voices(folder)]
        mixes = list(added(recordings, voices, arguments.mix or _LEVELS_DB, arguments.voices)) if voices else []
        recogniser = Recogniser(arguments.recognizer) if arguments.recognizer and mixes else None
        judged = run(engines, recordings, mixes, arguments.jobs)
        texts = transcribe(engines, mixes, arguments.jobs, recogniser) if recogniser else {}
        found = {
            engine: [*figures(*results), *word_figures(texts.get(engine, ()))] for engine, results in judged.items()
        }
        arguments.out.mkdir(parents=True, exist_ok=True)
        write(arguments.out / "bench-real.json", vars(arguments), found, judged, texts)
    except (InterjectError, OSError) as error:
        sys.stderr.write(f"bench real: {error}\n")
        return 2
    return _report(found, judged)


def _report(found: Mapping[str, Sequence[AnyFigure]], judged: Mapping[str, Results]) -> int:
    _say(table(found))
    for engine, results in judged.items():
        _say(f"\n{engine} did not pause for:")
        _say("\n".join(f"  {line}" for line in unheard(*results)) or "  nobody: all were heard")
    goals = missed(found)
    _say(f"\nMissed: {'; '.join(goals)}" if goals else "\nAll goals met")
    return 1 if goals else 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench real", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    engines = ", ".join(kind.value for kind in CancellerKind)
    add("--recordings", type=Path, required=True, metavar="DIR", help="recorded pairs and a manifest.json")
    add("--only", default="", metavar="TEXT", help="only recordings with this in their name")
    add(
        "--engine",
        action="append",
        type=CancellerKind,
        metavar="KIND",
        help=f"{engines}; several to compare them; default: {CancellerKind.KALMAN.value}",
    )
    add(
        "--speech",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="dry voices to add: WAV files and a manifest.json; several",
    )
    add(
        "--mix",
        action="append",
        type=_decibels,
        metavar="DB",
        help="echo above the added voice; several; default: " + ", ".join(f"{level:g}" for level in _LEVELS_DB),
    )
    add(
        "--voices",
        type=how_many,
        default=_VOICES,
        metavar="N",
        help=f"voices of each length for each recording and level; default: {_VOICES}",
    )
    add(
        "--recognizer",
        type=Path,
        metavar="DIR",
        help="folder of a faster-whisper model for English that transcribes the added voices",
    )
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of turn-taking or hearing")
    add("--jobs", type=how_many, default=_PROCESSES, metavar="N", help=f"processes; default: {_PROCESSES}")
    add("--out", type=Path, default=Path("out/bench-real"), metavar="DIR", help="default: out/bench-real")
    return parser.parse_args(argv)


def _decibels(text: str) -> float:
    try:
        level = float(text)
    except ValueError:
        level = float("nan")
    if not abs(level) <= _MOST_DB:
        raise argparse.ArgumentTypeError(f"{text}: a number from {-_MOST_DB:g} to {_MOST_DB:g}")
    return level


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
