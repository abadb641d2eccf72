"""From judged scenes to the figures that are printed, each with its goal and its method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.satellite.turn.settings import BargeIn
from tools.bench.report import Goal, Share
from tools.bench.room.failures import yielded
from tools.bench.room.goals import ALL_YIELDS, DUCK_MS, DUCKS_PER_H, LEFT_ALONE, SILENCE_MS, YIELDS
from tools.bench.room.judged import AFTERWARDS_S, HOLE_S, YIELD_S, AlarmKind, Group
from tools.bench.room.rows import AnyFigure, by_level, latencies_ms, measured, rate, real, share, tried
from tools.simulator.noises import NoiseKind
from tools.simulator.scene import INTERRUPTIONS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet

    from tools.bench.room.judged import Judged, Latencies, Outcome

_MS = 1000.0
_RECOVERY_S = 2.0
# What is said into the reply, by its length: 0.3 to 0.6 s, about 1 s, 2 s and more.
_LENGTHS = {
    "words": {Kind.WORD},
    "commands": {Kind.SHORT},
    "sentences": {Kind.LONG, Kind.DOUBLE_TALK},
}
# Short names of what is counted together.
_STOPS = frozenset((AlarmKind.COMMIT, AlarmKind.PAUSE))
_METHODS: tuple[tuple[str, Callable[[Latencies], float | None], str, Sequence[Goal]], ...] = (
    (
        "onset -> duck",
        lambda found: found.duck_s,
        (
            "first frame at the microphone within 40 dB of the loudest millisecond of the sound -> first frame handed "
            "to the device 10 dB below what was to be played (5 ms windows, least squares), or paused"
        ),
        DUCK_MS,
    ),
    ("onset -> pause", lambda found: found.pause_s, "the same -> the pause, or the end of the reply, that lasted", ()),
    (
        "onset -> silence",
        lambda found: found.silence_s,
        "the same -> last frame handed to the device above one step, before that pause or within its fade",
        SILENCE_MS,
    ),
)


def figures(every: Sequence[Judged]) -> list[AnyFigure]:
    """Give all figures of one engine: the goal grid's first, those of each stress after it."""
    grid = [judged for judged in every if judged.group is Group.GOAL]
    found = [*_alarms(grid), *_readiness(grid), *_yields(grid), *_latencies(grid), *_ignored(grid), *_canceller(grid)]
    for group in Group:
        stressed = [judged for judged in every if judged.group is group]
        if group is not Group.GOAL:
            found += _stress(group, stressed)
    return found


def _alarms(grid: Sequence[Judged]) -> list[AnyFigure]:
    alone = [judged for judged in grid if judged.noise is not NoiseKind.TV]
    watched = [judged for judged in grid if judged.noise is NoiseKind.TV]
    method = (
        f"began outside every sound of the room and the {AFTERWARDS_S:g} s after it, per hour of SPEAKING; scenes with "
        "a television as their noise are a row of their own"
    )
    rows = rate("self-interrupts: committed or paused", alone, _STOPS, method, 0)
    for name, scenes in by_level(alone):
        rows += rate(name, scenes, _STOPS)
    rows += rate("  of them committed", alone, {AlarmKind.COMMIT})
    rows += _by_music(alone, _STOPS)
    rows += rate("self-interrupts: only ducked", alone, {AlarmKind.DUCK}, "the same", DUCKS_PER_H)
    rows += _by_music(alone, {AlarmKind.DUCK})
    rows += rate("with a television 10-20 dB below the user", watched, _STOPS, "committed or paused; it is no echo")
    holes = [outcome.hole_s * _MS for outcome in tried(grid, set(Kind)) if outcome.hole_s]
    method = f"pauses of {HOLE_S * _MS:.0f} ms and more that a sound in the room caused and that were resumed"
    return rows + measured("holes", "ms", holes, method)


def _by_music(scenes: Sequence[Judged], kinds: AbstractSet[AlarmKind]) -> list[AnyFigure]:
    """Tell music apart: a detector hears voices in it, with a reply and without one."""
    music = [judged for judged in scenes if judged.noise is NoiseKind.MUSIC]
    others = [judged for judged in scenes if judged.noise is not NoiseKind.MUSIC]
    without = "a quiet room, a fan, a kitchen"
    return [
        *rate("  without music", others, kinds, without),
        *rate("  with music 10-20 dB below the user", music, kinds),
    ]


def _readiness(grid: Sequence[Judged]) -> list[AnyFigure]:
    alone = [judged.answered for judged in grid if judged.noise is not NoiseKind.TV]
    watched = [judged.answered for judged in grid if judged.noise is NoiseKind.TV]
    speech = [all(barge_in == BargeIn.SPEECH.value for barge_in, _ in judged.modes) for judged in grid]
    told = (
        ("questions answered", alone, "asked within 3 s of the end of the user's question into an idle room"),
        ("  with a television 10-20 dB below the user", watched, "which may be taken for the user going on"),
        ("speech may interrupt, all the scene", speech, "no duplex mode below it in the satellite's own judgement"),
    )
    return [Share(name, hits, method) for name, hits, method in told if hits]


def _yields(grid: Sequence[Judged]) -> list[AnyFigure]:
    method = f"committed within {YIELD_S:g} s of the onset; of the interruptions that began while it spoke"
    rows = share("yields to interruptions", tried(grid, INTERRUPTIONS), yielded, method, ALL_YIELDS)
    for name, scenes in by_level(grid):
        rows += share(name, tried(scenes, INTERRUPTIONS), yielded)
    for kind, least in YIELDS.items():
        rows += share(f"  {kind.value}", tried(grid, {kind}), yielded, "", least)
    paused = f"paused or committed within {YIELD_S:g} s of the onset"
    for length, kinds in _LENGTHS.items():
        rows += share(f"paused for: {length}", tried(grid, kinds), _paused, paused)
        for name, scenes in by_level(grid):
            rows += share(name, tried(scenes, kinds), _paused)
        rows += share("  recorded voices", real(tried(grid, kinds)), _paused)
        for name, scenes in by_level(grid):
            rows += share(f"  {name}", real(tried(scenes, kinds)), _paused)
    return rows


def _latencies(grid: Sequence[Judged]) -> list[AnyFigure]:
    rows: list[AnyFigure] = []
    for title, value, method, goals in _METHODS:
        rows += measured(title, "ms", latencies_ms(grid, value), method, goals)
        for name, scenes in by_level(grid):
            rows += measured(name, "ms", latencies_ms(scenes, value), "")
    in_the_air = [
        latency_ms + judged.air_s * _MS
        for judged in grid
        for latency_ms in latencies_ms([judged], lambda found: found.silence_s)
    ]
    method = "the same, and the 2 to 250 ms that the scene's buffers add until the room is silent"
    rows += measured("onset -> silence in the air", "ms", in_the_air, method)
    return rows + measured(
        "onset -> commit", "ms", latencies_ms(grid, lambda found: found.commit_s), "the floor is given"
    )


def _ignored(grid: Sequence[Judged]) -> list[AnyFigure]:
    rows: list[AnyFigure] = []
    for kind, least in LEFT_ALONE.items():
        heard = tried(grid, {kind})
        rows += share(
            f"{kind.value} ignored", heard, _ignores, "not committed; of those that began while it spoke", least
        )
        rows += share("  and not even paused", heard, lambda outcome: outcome.latencies.pause_s is None)
    return rows


def _canceller(grid: Sequence[Judged]) -> list[AnyFigure]:
    rows: list[AnyFigure] = []
    method = "microphone -> what is kept, a scene's mean power while only we speak; noise in both"
    gains = [(judged.echo_db, judged.erle_db) for judged in grid if judged.erle_db is not None]
    rows += measured("ERLE, noise included", "dB", [gain for _, gain in gains], method, (), 1)
    for name, scenes in by_level(grid):
        rows += measured(name, "dB", [one.erle_db for one in scenes if one.erle_db is not None], "", (), 1)
    method = "loss of the people's own signal in what is kept (projection), within sounds that began while it spoke"
    rows += measured("near-end attenuation", "dB", _losses(grid), method, (), 1)
    for name, scenes in by_level(grid):
        rows += measured(name, "dB", _losses(scenes), "", (), 1)
    method = (
        "thread CPU time of FrontEnd.push with Silero in each second of a scene, at 16 kHz, so nothing is resampled; "
        "of this run on this machine, other work included"
    )
    spent = [ms for judged in grid for ms in judged.cpu_ms]
    return rows + measured("front end: CPU per second of audio", "ms", spent, method, [Goal(50, 25)], 1)


def _losses(scenes: Sequence[Judged]) -> list[float]:
    return [-judged.near_end_db for judged in scenes if judged.near_end_db is not None]


def _stress(group: Group, scenes: Sequence[Judged]) -> list[AnyFigure]:
    alone = [judged for judged in scenes if judged.noise is not NoiseKind.TV]
    method = "not in the goal grid; without the scenes with a television as their noise"
    rows = rate(f"{group.value}: committed or paused by itself", alone, _STOPS, method)
    rows += share("  yields", tried(scenes, INTERRUPTIONS), yielded)
    rows += measured("  onset -> silence", "ms", latencies_ms(scenes, lambda found: found.silence_s), "")
    recoveries = [recovery.playback_s for judged in scenes for recovery in judged.recoveries]
    times = [seconds for seconds in recoveries if seconds is not None]
    rows += measured("  recovery of those that did", "s", times, "", (), 1)
    if recoveries:
        method = f"playback from the change until converged for 3 s and more; within {_RECOVERY_S:g} s"
        in_time = [seconds is not None and seconds <= _RECOVERY_S for seconds in recoveries]
        rows.append(Share("  recovered in time", in_time, method, 100))
    return rows


def _paused(outcome: Outcome) -> bool:
    pause_s = outcome.latencies.pause_s
    return pause_s is not None and pause_s <= YIELD_S


def _ignores(outcome: Outcome) -> bool:
    return outcome.latencies.commit_s is None
