"""The numbers of this project, measured: simulated rooms, real processes."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError
from tools.bench.figures import (
    backchannel_figures,
    first_word_figures,
    interruption_figures,
    load_figures,
    turn_figures,
    upstream_figure,
)
from tools.bench.frontend import front_end_figures
from tools.bench.report import conclusion, missed, table
from tools.bench.run_room import run_room
from tools.bench.scenes import INTERRUPTION_S, backchannels, interruptions
from tools.bench.trials import measure_backchannels, measure_interruptions, measure_turns
from tools.bench.upstream import measure_upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.bench.report import Figure, Share
    from tools.bench.run_room import Recording

_TRIALS = 50
_QUICK_TRIALS = 10
# Built-in speech recognition takes about four in ten for something else, and those cannot show a resume.
_UH_HUHS_FOR_EACH_TRIAL = 1.6
# What one line takes in its room, as INTERRUPTION_S.
_UH_HUH_S = 4.2
_FRONT_END_S = 60.0


class NothingMeasuredError(InterjectError):
    """A room gave no trial that could be measured."""


def main() -> int:
    """Measure and print; status 1 where a goal is missed, 2 when nothing could be measured."""
    arguments = _parse(sys.argv[1:])
    try:
        figures = asyncio.run(_measure(arguments.trials, arguments.out))
    except (InterjectError, OSError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 2
    sys.stdout.write(f"\n{table(figures)}\n\n{conclusion(figures)}\nWritten to {arguments.out / 'bench.json'}\n")
    return 1 if missed(figures) else 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description=__doc__,
        epilog="Others, each with a --help of its own: script/bench engines, confidence, stop-words, whisper-window, "
        "room, real, sweep, cost, lateness, and home-assistant, which needs a real one.",
    )
    parser.add_argument("--trials", type=_count, default=_TRIALS, metavar="N", help=f"default: {_TRIALS}")
    parser.add_argument(
        "--quick",
        action="store_const",
        const=_QUICK_TRIALS,
        dest="trials",
        help=f"the same as --trials {_QUICK_TRIALS}",
    )
    parser.add_argument("--out", type=Path, default=Path("out/bench"), metavar="DIR", help="default: out/bench")
    return parser.parse_args(argv)


def _count(value: str) -> int:
    if not value.isdecimal() or not int(value):
        raise argparse.ArgumentTypeError(f"{value}: a whole number from 1 on")
    return int(value)


async def _measure(trials: int, out: Path) -> list[Figure | Share]:
    await asyncio.to_thread(_clear, out)
    rooms = {"interruptions": interruptions(trials), "uh-huhs": backchannels(round(trials * _UH_HUHS_FOR_EACH_TRIAL))}
    estimate_s = max(len(rooms["interruptions"]) * INTERRUPTION_S, len(rooms["uh-huhs"]) * _UH_HUH_S) + 20
    _say(f"Two rooms side by side, four processes each, in real time: about {estimate_s / 60:.0f} minutes.")
    # On two cores a room alone measured the same latencies within their spread, and a tenth less CPU time.
    interrupted, backchannelled = await asyncio.gather(
        *(run_room(cues, out / "rooms" / name, _progress(name, len(cues))) for name, cues in rooms.items())
    )
    _say("The front end and the model's server …")
    front_end = await asyncio.to_thread(front_end_figures, _FRONT_END_S)
    upstream_s = await measure_upstream(trials, out / "rooms" / "upstream")
    if not any(trial for recording in interrupted for trial in measure_interruptions(recording)):
        raise NothingMeasuredError(
            "no interruption could be measured; the rooms' recordings and logs are in " + str(out)
        )
    figures = [
        *interruption_figures(interrupted),
        *backchannel_figures(backchannelled),
        *first_word_figures(interrupted),
        *turn_figures(interrupted),
        *load_figures(interrupted, front_end),
        upstream_figure(upstream_s),
    ]
    _write(out, trials, figures, interrupted, backchannelled)
    return figures


def _clear(out: Path) -> None:
    shutil.rmtree(out / "rooms", ignore_errors=True)
    (out / "rooms" / "upstream").mkdir(parents=True)


def _write(
    out: Path,
    trials: int,
    figures: Sequence[Figure | Share],
    interrupted: Sequence[Recording],
    backchannelled: Sequence[Recording],
) -> None:
    whole = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()},
        "trials": trials,
        "figures": [figure.as_json() for figure in figures],
        "interruptions": [asdict(t) for recording in interrupted for t in measure_interruptions(recording) if t],
        "backchannels": [asdict(t) for recording in backchannelled for t in measure_backchannels(recording)],
        "turns": [asdict(t) for recording in interrupted for t in measure_turns(recording)],
    }
    (out / "bench.json").write_text(json.dumps(whole, indent=1), encoding="utf-8")


def _progress(name: str, lines: int) -> Callable[[int], None]:
    done = 0

    def show(more: int) -> None:
        nonlocal done
        done += more
        if done % 10 == 0 or done == lines:
            _say(f"  {name}: {done} of {lines} lines said")

    return show


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
