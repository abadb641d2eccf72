"""The bench in one picture: how soon, at what price, how often, and what the worst cases looked like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from tools.bench.room.charts import draw_ignored, draw_latencies, draw_yields
from tools.bench.room.judged import Group
from tools.bench.room.roc_picture import draw_roc
from tools.bench.room.timeline_picture import draw_timeline, draw_timeline_key, worst_cases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.bench.room.judged import Judged

_SIZE_INCHES = (16.0, 20.0)
_DOTS_PER_INCH = 100
_COLUMNS = 2
# Two rows of charts, the key to the timelines, and three rows of these.
_HEIGHTS = (1.25, 0.95, 0.12, 1.0, 1.0, 1.0)
_KEY_ROW = 2
_TIMELINES = (len(_HEIGHTS) - _KEY_ROW - 1) * _COLUMNS
# Of a timeline, what the levels take and what the probability takes.
_TIMELINE_HEIGHTS = (1.7, 1.0)
_HOUR_S = 3600.0


def draw(judged: Sequence[Judged], path: Path) -> None:
    """Write a PNG of 1600 x 2000; charts and timelines are of the engine that comes first, the ROC has all of them.

    Charts and ROC are about the goal grid, timelines about every scene. Raises OSError where nothing can be written.
    """
    first = [scene for scene in judged if scene.engine == judged[0].engine]
    grid = [scene for scene in first if scene.group is Group.GOAL]
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    figure.suptitle(_title(judged), fontsize=15)
    places = figure.add_gridspec(len(_HEIGHTS), _COLUMNS, height_ratios=_HEIGHTS)
    draw_latencies(figure.add_subplot(places[0, 0]), grid)
    draw_roc(figure.add_subplot(places[0, 1]), [scene for scene in judged if scene.group is Group.GOAL])
    draw_yields(figure.add_subplot(places[1, 0]), grid)
    draw_ignored(figure.add_subplot(places[1, 1]), grid)
    cases = worst_cases(first, _TIMELINES)
    draw_timeline_key(figure.add_subplot(places[_KEY_ROW, :]), len(cases))
    for number, case in enumerate(cases):
        place = places[_KEY_ROW + 1 + number // _COLUMNS, number % _COLUMNS]
        rows = place.subgridspec(len(_TIMELINE_HEIGHTS), 1, height_ratios=_TIMELINE_HEIGHTS, hspace=0.0)
        levels = figure.add_subplot(rows[0])
        draw_timeline(levels, figure.add_subplot(rows[1], sharex=levels), case)
    figure.savefig(path, format="png")


def _title(judged: Sequence[Judged]) -> str:
    parts = []
    for engine in dict.fromkeys(scene.engine for scene in judged):
        scenes = [scene for scene in judged if scene.engine == engine]
        hours = sum(scene.playback_s for scene in scenes) / _HOUR_S
        in_grid = sum(scene.group is Group.GOAL for scene in scenes)
        parts.append(f"{engine}: {len(scenes)} scenes ({in_grid} in the goal grid), {hours:.2f} h of playback")
    return "\n".join(["The satellite in the acoustic room", *(parts or ["no scenes"])])
