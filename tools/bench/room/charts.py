"""The bench's charts: how soon the satellite gives way, to what, and what it leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tools.bench.room.failures import yielded
from tools.bench.room.goals import DUCK_MS, LEFT_ALONE, SILENCE_MS, YIELDS
from tools.bench.room.judged import YIELD_S
from tools.bench.room.notes import DUCK_COLOUR, PAUSE_COLOUR, SILENCE_COLOUR, note
from tools.bench.room.rows import by_level, latencies_ms, tried
from tools.simulator.scene import INTERRUPTIONS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from tools.bench.room.judged import Judged, Latencies, Outcome

_BAR_COLOUR, _GOAL_COLOUR = "#009E73", "#D55E00"
# The lowest echo level is the palest, and still to be seen.
_PALEST = 0.3
# Later is too late, whatever the distribution.
_LONGEST_MS = 1000.0
# What is drawn, with its colour and style: a pause is 20 ms before the silence that it brings.
_REACTIONS: tuple[tuple[str, str, str, Callable[[Latencies], float | None]], ...] = (
    ("duck (10 dB down)", DUCK_COLOUR, "-", lambda latencies: latencies.duck_s),
    ("pause", PAUSE_COLOUR, ":", lambda latencies: latencies.pause_s),
    ("silence", SILENCE_COLOUR, "-", lambda latencies: latencies.silence_s),
)
_LATENCY_GOALS = [(asked, DUCK_COLOUR) for asked in DUCK_MS] + [(asked, SILENCE_COLOUR) for asked in SILENCE_MS]
_GROUP_WIDTH = 0.85
# Below the names of the bars, in shares of the axes.
_BELOW = (0.5, -0.09)


def draw_latencies(axes: Axes, scenes: Sequence[Judged]) -> None:
    """Draw the distribution of each latency at each echo level, of the interruptions that took the floor."""
    levels = _shaded(scenes)
    for _, colour, style, latency_s in _REACTIONS:
        for _, at_level, shade in levels:
            times_ms = sorted(latencies_ms(at_level, latency_s))
            shares = 100 * np.arange(len(times_ms) + 1) / max(1, len(times_ms))
            axes.step([0.0, *times_ms], shares, where="post", color=colour, alpha=shade, linestyle=style, linewidth=1.5)
    for asked, colour in _LATENCY_GOALS:
        percent, limit_ms = asked.percentile, asked.limit
        axes.plot([limit_ms, limit_ms], [0, percent], color=colour, linestyle="--", linewidth=1.2)
        axes.plot(limit_ms, percent, color=colour, marker="<", markersize=9, markeredgecolor="black", zorder=5)
        note(axes, f"P{percent} ≤ {limit_ms:g} ms", (limit_ms, percent), (9, -4), color=colour)
    whats = [Line2D([], [], color=colour, ls=style, label=f"onset → {what}") for what, colour, style, _ in _REACTIONS]
    shades = [
        Line2D([], [], color="black", alpha=shade, label=f"echo{name} ({_yields(at_level)} yields)")
        for name, at_level, shade in levels
    ]
    goal = Line2D([], [], color="0.3", linestyle="--", marker="<", label="goal: the curve left of it")
    axes.legend(handles=[*whats, goal, *shades], loc="lower right", fontsize=9, framealpha=0.9)
    axes.set(xlim=(0, _LONGEST_MS), ylim=(0, 101), xlabel="time from the onset at the microphone, ms")
    axes.set(ylabel="of what took the floor, %", title=f"{_engine(scenes)}: how soon it makes way, by echo level")
    axes.grid(alpha=0.3)


def draw_yields(axes: Axes, scenes: Sequence[Judged]) -> None:
    """Draw the share of interruptions that took the floor in time, by kind and echo level."""
    _bars(axes, scenes, YIELDS, yielded)
    axes.set(ylabel=f"took the floor within {YIELD_S:g} s, %", title=f"{_engine(scenes)}: yields to interruptions")


def draw_ignored(axes: Axes, scenes: Sequence[Judged]) -> None:
    """Draw the share of other sounds that did not take the floor, by kind and echo level."""
    _bars(axes, scenes, LEFT_ALONE, lambda outcome: outcome.latencies.commit_s is None)
    axes.set(ylabel="did not take the floor, %", title=f"{_engine(scenes)}: other sounds ignored")


def _bars(
    axes: Axes, scenes: Sequence[Judged], goals: Mapping[Kind, float | None], good: Callable[[Outcome], bool]
) -> None:
    levels = _shaded(scenes)
    width = _GROUP_WIDTH / max(1, len(levels))
    for group, (kind, goal) in enumerate(goals.items()):
        left = group - _GROUP_WIDTH / 2
        for number, (_, at_level, shade) in enumerate(levels):
            hits = [good(outcome) for outcome in tried(at_level, {kind})]
            middle = left + (number + 0.5) * width
            if hits:
                axes.bar(middle, 100 * sum(hits) / len(hits), 0.9 * width, color=_BAR_COLOUR, alpha=shade)
            count = f"{sum(hits)} of {len(hits)}" if hits else "not tried"
            note(axes, count, (middle, 0), (0, 6), rotation=90, ha="center", va="bottom", fontsize=8)
        if goal is not None:
            axes.plot([left, left + _GROUP_WIDTH], [goal, goal], color=_GOAL_COLOUR, linewidth=2)
            note(axes, f"≥ {goal:g} %", (left, goal), (2, -12), color=_GOAL_COLOUR)
    axes.set_xticks(range(len(goals)), [kind.value.removeprefix("interruption-") for kind in goals])
    axes.set(ylim=(0, 103))
    axes.grid(alpha=0.3, axis="y")
    key: list[Artist] = [Patch(color=_BAR_COLOUR, alpha=shade, label=f"echo{name}") for name, _, shade in levels]
    key.append(Line2D([], [], color=_GOAL_COLOUR, linewidth=2, label="goal"))
    key_box = axes.legend(handles=key, ncols=len(key), fontsize=9, columnspacing=1, handlelength=1.2, frameon=False)
    key_box.set_loc("upper center")
    key_box.set_bbox_to_anchor(_BELOW, axes.transAxes)


def _shaded(scenes: Sequence[Judged]) -> list[tuple[str, list[Judged], float]]:
    """Give the scenes of each echo level with its name and its shade."""
    levels = by_level(scenes)
    shades = np.linspace(_PALEST, 1.0, len(levels)).tolist()
    return [(name.replace("  at", ""), at_level, shade) for (name, at_level), shade in zip(levels, shades, strict=True)]


def _yields(scenes: Sequence[Judged]) -> int:
    return sum(yielded(outcome) for outcome in tried(scenes, INTERRUPTIONS))


def _engine(scenes: Sequence[Judged]) -> str:
    return scenes[0].engine if scenes else "no engine"
