"""Self-interrupts against missed barge-ins, as curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.lines import Line2D
from matplotlib.ticker import ScalarFormatter

from tools.bench.room.failures import yielded
from tools.bench.room.goals import ALL_YIELDS, DUCKS_PER_H
from tools.bench.room.judged import AlarmKind
from tools.bench.room.notes import note
from tools.bench.room.roc import Point, Tally, frontier, summed
from tools.bench.room.rows import tried
from tools.simulator.noises import NoiseKind
from tools.simulator.scene import INTERRUPTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from tools.bench.room.judged import Judged

# Colours that the colour-blind tell apart (Okabe and Ito), one an engine.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9")
_MISSED_PERCENT = 100 - ALL_YIELDS
# As much is drawn in any case; more where an engine misses more.
_LEAST_DRAWN_PERCENT = 20.0
# Fewer an hour is drawn to scale with none.
_LINEAR_PER_H = 1.0
_MOST_PER_H = 1000.0
_LEFT_PER_H = 0.3
_HEADROOM = 1.3
_HOUR_S = 3600.0
_GOAL_COLOUR, _DARK = "0.4", "0.2"


def draw_roc(axes: Axes, scenes: Sequence[Judged]) -> None:
    """Draw what each engine could have come to with other limits, and what it came to.

    Scenes with a television as noise are left out: there somebody else does speak.
    """
    quiet = [scene for scene in scenes if scene.noise is not NoiseKind.TV]
    engines = []
    highest = _LEAST_DRAWN_PERCENT
    for engine, colour in zip(dict.fromkeys(scene.engine for scene in quiet), _COLOURS, strict=False):
        own = [scene for scene in quiet if scene.engine == engine]
        highest = max(highest, _draw_engine(axes, own, colour))
        engines.append(Line2D([], [], color=colour, linewidth=3, label=engine))
    _draw_goals(axes)
    axes.set_xscale("symlog", linthresh=_LINEAR_PER_H, linscale=0.5)
    axes.xaxis.set_major_formatter(ScalarFormatter())
    top = min(100.0, _HEADROOM * highest)
    axes.set(xlim=(-_LEFT_PER_H, _MOST_PER_H), ylim=(-0.02 * top, top))
    axes.set(xlabel="false alarms an hour of playback (none at the left edge)", ylabel="interruptions missed, %")
    axes.set_title("Self-interrupts against missed barge-ins, by the limits of guard and VAD")
    axes.legend(handles=[*engines, *_styles()], loc="best", fontsize=9, framealpha=0.8)
    axes.grid(alpha=0.3)


def _draw_engine(axes: Axes, scenes: Sequence[Judged], colour: str) -> float:
    """Draw one engine's points; return the share that it misses at most where it stands now."""
    hours = sum(scene.playback_s for scene in scenes) / _HOUR_S
    tallies = summed(scene.roc for scene in scenes)
    if not hours or not tallies:
        return 0.0
    for place, style, marker, fill in ((Tally.pausing, "-", ".", colour), (Tally.ducking, ":", "+", "none")):
        points = [place(tally, hours) for tally in tallies]
        best = frontier(points)
        ends = [Point(best[0].false_per_h, 100.0), *best, Point(_MOST_PER_H, best[-1].missed_percent)]
        axes.plot(*_xy(points), color=colour, linestyle="", marker=marker, alpha=0.3)
        axes.plot(*_xy(ends), color=colour, linestyle=style, linewidth=1.8, drawstyle="steps-post")
        axes.plot(*_xy(points[:1]), color=colour, linestyle="", marker="o", markersize=10, mfc=fill, mew=1.6)
    ran = as_it_ran(scenes, hours)
    axes.plot(*_xy([ran]), color=colour, linestyle="", marker="*", markersize=16, mec="black", zorder=5)
    return max(ran.missed_percent, tallies[0].pausing(hours).missed_percent)


def _draw_goals(axes: Axes) -> None:
    axes.axhline(_MISSED_PERCENT, color=_GOAL_COLOUR, linestyle="--", linewidth=1)
    axes.axvline(DUCKS_PER_H, color=_GOAL_COLOUR, linestyle="--", linewidth=1)
    missed, ducks = f"goal: ≤ {_MISSED_PERCENT:g} % missed", f"goal: ≤ {DUCKS_PER_H:g} ducks, no pause"
    note(axes, missed, (_MOST_PER_H, _MISSED_PERCENT), (-4, 4), ha="right")
    top = {"xycoords": axes.get_xaxis_transform(), "va": "top"}
    note(axes, ducks, (DUCKS_PER_H, 0.98), (-4, 0), ha="right", rotation=90, **top)


def _styles() -> list[Line2D]:
    drawn = (
        ("paused: any limits, and the best", ".", "-", _DARK),
        ("ducked: any limits, and the best", "+", ":", _DARK),
        ("paused, with the limits that are set", "o", "", _DARK),
        ("ducked, with the limits that are set", "o", "", "none"),
        ("as it ran: not given the floor", "*", "", _DARK),
    )
    return [Line2D([], [], color=_DARK, marker=mark, ls=line, mfc=fill, label=text) for text, mark, line, fill in drawn]


def as_it_ran(scenes: Sequence[Judged], hours: float) -> Point:
    """Return self-interrupts (paused or committed) an hour, and the share of interruptions that was not yielded to."""
    alarms = [alarm for scene in scenes for alarm in scene.false_alarms if alarm.kind is not AlarmKind.DUCK]
    called = tried(scenes, INTERRUPTIONS)
    missed = sum(not yielded(outcome) for outcome in called)
    return Point(len(alarms) / hours, 100 * missed / max(1, len(called)))


def _xy(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [point.false_per_h for point in points], [point.missed_percent for point in points]
