"""How the satellite takes turns with real engines and real voices, in the simulated room with real processes.

Recorded people talk into replies: interruptions, half of them single words; backchannels; coughs and laughs. Each
pair of engines is judged by what became of the reply, beside a recogniser that knows the words. Without --voices the
voices are synthetic ones.

Further settings of the servers come from the environment, such as INTERJECT_STT_BEAM_SIZE=1. Nothing else should run
meanwhile: whether the machine kept up is told.

Status: 0 all goals met, 1 one is missed (which one is told), 2 it could not be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from interject.servers.tts.settings import TtsEngine
from interject.wire.errors import InterjectError
from tools.bench.engines.casting import arrange, deal, seconds_of
from tools.bench.engines.engines import HEADSET, Chosen, SttEngine, default_stt, default_tts, engines, reply_dbfs
from tools.bench.engines.figures import figures, without_goals
from tools.bench.engines.report import write
from tools.bench.engines.rooms import try_all
from tools.bench.engines.scripted import write_said
from tools.bench.engines.voices import Role, question_voice, read_voices, write_built_in
from tools.bench.report import GoalState, conclusion, missed, table
from tools.bench.room.report import comparison
from tools.commit import commit
from tools.room.arguments import how_many

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.bench.engines.casting import Trial
    from tools.bench.engines.rooms import Results
    from tools.bench.room.rows import AnyFigure

_TRIALS = 200
_QUICK_TRIALS = 20
_ECHOES = (HEADSET, "+10")
_LOUDEST_ECHO_DB = 20.0


class NothingTriedError(InterjectError):
    """No clip could be said into a reply."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    arguments = _parse(argv)
    try:
        found = asyncio.run(_measure(arguments))
    except (InterjectError, TimeoutError, OSError) as error:
        sys.stderr.write(f"bench engines: {error}\n")
        return 2
    for name, rows in found.items():
        _say(f"\n{name}\n{table(rows)}")
    _say(
        f"\nCommit {commit()}. Shares with their 95 % confidence intervals, times with P50 and P90\n{comparison(found)}"
    )
    judged = {
        name: rows for name, rows in found.items() if any(row.goal_state() is not GoalState.NO_GOAL for row in rows)
    }
    for name, rows in judged.items():
        _say(f"\n{name}: {conclusion(rows)}")
    _say(f"Written to {arguments.out / 'engines.json'}")
    return 1 if any(missed(rows) for rows in judged.values()) else 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench engines", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--stt",
        action="append",
        type=SttEngine,
        metavar="ENGINE",
        help=f"{', '.join(engine.value for engine in SttEngine)} (knows the words); several make one table; default: "
        "faster-whisper with the model of script/setup --dev-models, else pocketsphinx; and scripted",
    )
    add("--stt-model", metavar="DIR", help="model of faster-whisper")
    add(
        "--tts",
        type=TtsEngine,
        metavar="ENGINE",
        help=f"{', '.join(engine.value for engine in TtsEngine)}; default: piper with the voice of script/setup "
        "--dev-models, else espeak-ng",
    )
    add("--tts-voice", metavar="NAME", help="voice of the TTS server")
    add("--voices", type=Path, metavar="DIR", help="people: WAV files and a manifest.json; default: synthetic voices")
    add(
        "--trials",
        type=how_many,
        default=_TRIALS,
        metavar="N",
        help=f"interruptions, as many backchannels and half as many noises; default: {_TRIALS}",
    )
    add(
        "--quick",
        action="store_const",
        const=_QUICK_TRIALS,
        dest="trials",
        help=f"the same as --trials {_QUICK_TRIALS}",
    )
    add(
        "--echo",
        action="append",
        type=_echo,
        metavar="DB",
        help=f"{HEADSET}, or how much louder than the user the echo is; several share the trials; default: "
        + ", ".join(_ECHOES),
    )
    add("--seed", type=int, default=1, metavar="N", help="which clip is said when; default: 1")
    add("--out", type=Path, default=Path("out/bench-engines"), metavar="DIR", help="default: out/bench-engines")
    return parser.parse_args(argv)


def _echo(text: str) -> str:
    if text == HEADSET:
        return text
    try:
        level = float(text)
    except ValueError:
        level = math.nan
    if not abs(level) <= _LOUDEST_ECHO_DB:
        raise argparse.ArgumentTypeError(
            f"{text}: {HEADSET}, or a number from {-_LOUDEST_ECHO_DB:g} to {_LOUDEST_ECHO_DB:g}"
        )
    return f"{level:+g}"


async def _measure(arguments: argparse.Namespace) -> dict[str, list[AnyFigure]]:
    out: Path = await asyncio.to_thread(arguments.out.resolve)
    await asyncio.to_thread(_clear, out)
    voices = read_voices(arguments.voices or write_built_in(out / "voices"))
    chosen = Chosen(arguments.stt_model, arguments.tts, arguments.tts_voice, out / "said.json")
    write_said(chosen.said, [question_voice(), *voices])
    trials = deal(voices, arguments.trials, arguments.echo or _ECHOES, arguments.seed)
    stts = arguments.stt or default_stt()
    counts = ", ".join(
        f"{count} {role.value}" for role in Role if (count := sum(one.voice.role is role for one in trials))
    )
    minutes = seconds_of(arrange(trials, arguments.seed)) / 60
    _say(f"{counts}; some {minutes:.0f} minutes in real time with each of {len(stts)} recognisers")
    found: dict[str, list[AnyFigure]] = {}
    results: dict[str, Results] = {}
    for stt in stts:
        name = f"{stt.value} + {(chosen.tts or default_tts()).value}"
        started = engines(stt, chosen)
        folder = out / "rooms" / stt.value
        level_dbfs = await reply_dbfs(started, folder / "level")
        results[name] = await try_all(trials, started, level_dbfs, folder, _progress(name, trials), arguments.seed)
        if results[name].untried:
            _say(f"  {name}: {len(results[name].untried)} trials found no reply to break into")
        late = {room: told for room, told in results[name].lateness.items() if not told.keeps_up}
        for room, told in late.items():
            _say(f"  the machine did not keep up in room {room}: {told}")
        if not results[name].trials:
            raise NothingTriedError(f"no clip could be said into a reply; the rooms and their logs are in {folder}")
        rows = figures(results[name].trials, results[name].turns)
        found[name] = without_goals(rows) if stt is SttEngine.SCRIPTED else rows
        write(out / "engines.json", vars(arguments), found, results)
    return found


def _clear(out: Path) -> None:
    for part in ("rooms", "voices"):
        shutil.rmtree(out / part, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)


def _progress(name: str, trials: Sequence[Trial]) -> Callable[[Results], None]:
    def show(results: Results) -> None:
        failed = "".join(f", {stage} failed {count} times" for stage, count in results.failures.items())
        _say(f"  {name}: {len(results.trials)} of {len(trials)} trials{failed}")

    return show


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
