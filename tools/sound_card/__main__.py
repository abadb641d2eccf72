"""Our own device, player, front end and conversation on a virtual sound card that stands in the simulated room.

The card is PulseAudio's, the way to it ALSA's and PortAudio's, and time is real. With --record nothing is measured:
short pairs of what was played and heard are kept for script/bench real.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from interject.satellite.audio.portaudio import PortAudioChoice, find_portaudio
from interject.satellite.audio.portaudio_host import PortAudioHost
from interject.satellite.doctor.recording import Archive
from interject.wire.errors import InterjectError
from tools.bench.report import conclusion, missed, table
from tools.simulator.corpus import built_in
from tools.simulator.effort import Effort
from tools.simulator.equipment import Equipment
from tools.simulator.levels import RATE_HZ
from tools.simulator.sampling import Wishes, make_scene
from tools.simulator.scene import Kind
from tools.sound_card.card import room_card, why_not
from tools.sound_card.figures import JudgedTalk, pause_figures, running_figures, talk_figures
from tools.sound_card.keeping import TAKES, record
from tools.sound_card.pauses import find_truth, measure_pauses
from tools.sound_card.talk import hold_talk, on_card
from tools.sound_card.truth import echo_delay_ms, judge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from interject.satellite.audio.base import Device
    from tools.bench.report import Figure, Share
    from tools.simulator.corpus import Corpus
    from tools.simulator.scene import Scene
    from tools.sound_card.card import RoomCard
    from tools.sound_card.pauses import Running

_Done = TypeVar("_Done")

_MINUTES = 10.0
_SHORTEST_MINUTES, _LONGEST_MINUTES = 0.5, 120.0
_PAUSES = 40
_ECHO_DB = 10.0
# The card is on trial here, not the loudspeaker: the same class in both scenes.
_EQUIPMENT = Equipment.SPEAKERPHONE
# Two kinds of interruptions, at eight seconds each with the reply between: some 14 of each.
_INTERRUPTED_S = 120.0
_INTERRUPTIONS = (Kind.LONG, Kind.SHORT)
_SEED = 9000
# About that which PulseAudio gives itself.
_NICENESS = -10


class NoCardError(InterjectError):
    """This machine cannot have a virtual card."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; script/test-soundcard installs what is missing when root runs it")


def main() -> int:
    """Measure and print the table; status 1 where a goal is missed, 2 when nothing could be measured."""
    arguments = _parse(sys.argv[1:])
    # As on a device that has nothing else to do; threads and processes inherit it. Only root may.
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    try:
        if arguments.record is not None:
            _record(arguments.record)
            return 0
        figures, judged_talks = _measure(arguments.minutes)
    except (InterjectError, OSError) as error:
        sys.stderr.write(f"test-soundcard: {error}\n")
        return 2
    sys.stdout.write(f"{_machine()}\n\n{table(figures)}\n\n{conclusion(figures)}\n")
    arguments.out.mkdir(parents=True, exist_ok=True)
    found = {
        "machine": _machine(),
        "figures": [figure.as_json() for figure in figures],
        "talks": {judged_talk.talk.rendered.scene.name: asdict(judged_talk.judged) for judged_talk in judged_talks},
    }
    (arguments.out / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if missed(figures) else 0


def _record(folder: Path) -> None:
    corpus, archive = _with_card(), Archive(folder)
    for take in TAKES:
        _say(f"{take.name}, {take.seconds:g} s")
        with _card(take.scene(corpus), corpus) as card:
            recording, told = asyncio.run(_on_device(partial(record, take, card)))
        archive.keep(take.name, take.heard.value, recording, **told)


def _measure(minutes: float) -> tuple[list[Figure | Share], list[JudgedTalk]]:
    corpus = _with_card()
    quiet = Wishes(echo_db=_ECHO_DB, seconds=60 * minutes, equipment=_EQUIPMENT)
    silence = on_card(make_scene(Kind.SILENCE, _SEED, corpus, quiet))
    wishes = Wishes(echo_db=_ECHO_DB, seconds=_INTERRUPTED_S, effort=Effort.NORMAL, equipment=_EQUIPMENT)
    interrupted = [on_card(make_scene(kind, _SEED, corpus, wishes)) for kind in _INTERRUPTIONS]
    of_pauses, running = _pauses(silence, corpus)
    judged_talks = [_act(scene, corpus) for scene in (silence, *interrupted)]
    runs = [running, *(judged_talk.talk.running for judged_talk in judged_talks)]
    return [*of_pauses, *running_figures(runs), *talk_figures(judged_talks)], judged_talks


def _with_card() -> Corpus:
    if (reason := why_not()) is not None:
        raise NoCardError(reason)
    return built_in()


def _pauses(scene: Scene, corpus: Corpus) -> tuple[list[Figure | Share], Running]:
    _say(f"{_PAUSES} pauses")
    with _card(scene, corpus) as card:
        trials, running = asyncio.run(_on_device(lambda device: measure_pauses(device, _PAUSES)))
        return pause_figures(trials, find_truth(trials, card.loudspeaker), running.rate_hz), running


def _act(scene: Scene, corpus: Corpus) -> JudgedTalk:
    _say(f"{scene.name}, {scene.frames / RATE_HZ:.0f} s")
    with _card(scene, corpus) as card:
        talk = asyncio.run(hold_talk(card))
        delays = [delay for snapshot in talk.snapshots if (delay := echo_delay_ms(snapshot)) is not None]
        return JudgedTalk(talk, judge(talk, card), delays, card.slips)


@contextlib.contextmanager
def _card(scene: Scene, corpus: Corpus) -> Iterator[RoomCard]:
    with tempfile.TemporaryDirectory(prefix="card") as folder, room_card(scene, corpus, Path(folder)) as card:
        os.environ.update(card.environment)
        yield card


async def _on_device(work: Callable[[Device], Awaitable[_Done]]) -> _Done:
    host = PortAudioHost()
    try:
        return await work(await find_portaudio(PortAudioChoice(), host))
    finally:
        host.close()


def _machine() -> str:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    cores = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return f"{cores}; load in the last 1, 5, 15 min: {load}"


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/test-soundcard", description=__doc__)
    parser.add_argument(
        "--minutes", type=_minutes, default=_MINUTES, metavar="M",
        help=f"of playback in which nobody interrupts; default: {_MINUTES:g}",
    )  # fmt: skip
    parser.add_argument(
        "--record", type=Path, metavar="DIR", help="only keep pairs there, of devices that distort, gate and suppress"
    )
    parser.add_argument("--out", type=Path, default=Path("out/sound-card"), metavar="DIR", help="for figures.json")
    return parser.parse_args(argv)


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not _SHORTEST_MINUTES <= value <= _LONGEST_MINUTES:
        raise argparse.ArgumentTypeError(f"{text}: a number from {_SHORTEST_MINUTES:g} to {_LONGEST_MINUTES:g}")
    return value


def _say(text: str) -> None:
    sys.stderr.write(f"{text} ...\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
