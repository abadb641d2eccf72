"""Scenes of the simulated living room as WAV files: what the microphone hears, and its parts, with the truth."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError
from tools.bench.real.recordings import Kind as PairKind
from tools.bench.real.recordings import read_recordings, write_recordings
from tools.room.arguments import add_voices, chosen_corpus, how_many, one_of, seed
from tools.room.linearity import echoes, rows
from tools.room.pairs import pairs
from tools.room.scene_files import render
from tools.simulator.effort import Effort
from tools.simulator.equipment import Equipment
from tools.simulator.noises import NoiseKind
from tools.simulator.rendering import render_scene
from tools.simulator.sampling import SCENE_S, ChangeKind, Wishes, make_scene
from tools.simulator.scene import INTERRUPTIONS, SCENE_KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import Enum

    from tools.simulator.corpus import Corpus

_DEFAULT_OUT = Path("out/room")
# Shorter, and nothing could be said into the reply; longer, and memory would be short.
_SHORTEST_S, _LONGEST_S = 15.0, 600.0
# Beyond, one of the two is lost in 16 bits.
_MOST_ECHO_DB = 40.0
_DEVICES = 20
_ECHO_S = 16.0
_ECHO_TITLE = """\
What echoes are like from 100 Hz on, in dB, P10, P50 and P90. linear: what the best filter of 180 ms in hindsight takes,
noise included; noiseless: the same without it; noise: echo above it; gain: P10 to P90 of the microphone's, 100 ms each
"""
_ECHO_HEADS = ["echo", "n", "linear", "", "", "noisel.", "", "", "noise", "", "", "gain", "", ""]
# No crystal is worse.
_MOST_DRIFT_PPM = 500.0


def main(argv: Sequence[str] | None = None) -> int:
    """Render; status 2 when something that is needed is missing."""
    arguments = _parse(argv)
    if arguments.list:
        sys.stdout.write("".join(f"{kind.value:20}{_meaning(kind)}\n" for kind in SCENE_KINDS))
        return 0
    try:
        corpus = chosen_corpus(arguments)
        if arguments.linearity is not None:
            sys.stdout.write(_echoes(arguments.linearity, arguments.recordings, arguments.seed, corpus))
            return 0
        if arguments.pairs is not None:
            devices = pairs(arguments.pairs, arguments.seed, corpus, _wishes(arguments))
            names = write_recordings(arguments.out, devices)
            sys.stdout.write("".join(f"{arguments.out / name}\n" for name in names))
            return 0
        for kind in SCENE_KINDS if arguments.scene is None else (arguments.scene,):
            rendered = render_scene(make_scene(kind, arguments.seed, corpus, _wishes(arguments)), corpus)
            render(rendered, arguments.out / rendered.scene.name)
            sys.stdout.write(f"{arguments.out / rendered.scene.name}: {len(rendered.labels)} sounds\n")
    except (InterjectError, OSError) as error:
        sys.stderr.write(f"room: {error}\n")
        return 2
    return 0


def _echoes(devices: int, folder: Path | None, seed: int, corpus: Corpus) -> str:
    """Put the echoes of simulated devices beside recorded ones."""
    alone = (pair for pair in pairs(devices, seed, corpus, Wishes(seconds=_ECHO_S)) if pair.kind is PairKind.FAR_END)
    simulated = [replace(echo, name=echo.name.split("-")[0]) for echo in echoes(alone)]
    table = [_ECHO_HEADS, *rows("simulated, as mixed", simulated)]
    if folder is not None:
        table += rows("recorded", list(echoes(read_recordings(folder))))
    lines = (f"{row[0]:22}" + "".join(f"{cell:>8}" for cell in row[1:]) for row in table)
    return _ECHO_TITLE + "\n".join(lines) + "\n"


def _wishes(arguments: argparse.Namespace) -> Wishes:
    return Wishes(
        echo_db=arguments.echo_db,
        seconds=arguments.seconds,
        noise=arguments.noise,
        effort=arguments.effort,
        equipment=arguments.equipment,
        change=arguments.change,
        drift_ppm=arguments.drift_ppm,
    )


def _meaning(kind: Kind) -> str:
    if kind is Kind.SILENCE:
        return "nobody speaks but the satellite"
    return "must be given way to" if kind in INTERRUPTIONS else "must be left alone"


def _seconds(text: str) -> float:
    return _between(text, _SHORTEST_S, _LONGEST_S)


def _decibels(text: str) -> float:
    return _between(text, -_MOST_ECHO_DB, _MOST_ECHO_DB)


def _ppm(text: str) -> float:
    return _between(text, -_MOST_DRIFT_PPM, _MOST_DRIFT_PPM)


def _between(text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text}: a number from {least:g} to {most:g}")
    return value


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/room", description=__doc__)
    add = parser.add_argument
    add("--list", action="store_true", help="say what scenes there are")
    add("--scene", type=one_of(SCENE_KINDS), metavar="KIND", help="one of --list; default: one of each")
    add("--seed", type=seed, default=1, metavar="N", help="which of them; default: 1")
    add("--echo-db", type=_decibels, metavar="D", help="echo against the user's voice, 0 to 20; default: by the seed")
    add("--seconds", type=_seconds, default=SCENE_S, metavar="S", help=f"length; default: {SCENE_S:g}")
    add("--noise", type=one_of(NoiseKind), metavar="KIND", help=f"{_all(NoiseKind)}; default: by the seed")
    add("--effort", type=one_of(Effort), metavar="HOW", help=f"{_all(Effort)}; default: by the seed")
    add("--equipment", type=one_of(Equipment), metavar="CLASS", help=f"{_all(Equipment)}; default: by the seed")
    add(
        "--change",
        type=one_of(ChangeKind),
        default=ChangeKind.NONE,
        metavar="WHAT",
        help=f"mid-scene: {_all(ChangeKind)}",
    )
    add("--drift-ppm", type=_ppm, default=0.0, metavar="PPM", help="of the loudspeaker's clock; default: 0")
    add_voices(parser)
    add(
        "--linearity",
        type=how_many,
        nargs="?",
        const=_DEVICES,
        metavar="N",
        help=f"only print how linear, noisy and steady the echoes of N devices are; default: {_DEVICES}",
    )
    add(
        "--pairs",
        type=how_many,
        metavar="N",
        help="only write N devices as recordings for script/bench real, each with nobody who speaks and with a user",
    )
    add("--recordings", type=Path, metavar="DIR", help="put recorded echoes beside them; see script/bench real")
    add("--out", type=Path, default=_DEFAULT_OUT, metavar="DIR", help=f"default: {_DEFAULT_OUT}")
    return parser.parse_args(argv)


def _all(kinds: type[Enum]) -> str:
    return ", ".join(kind.value for kind in kinds)


if __name__ == "__main__":
    sys.exit(main())
