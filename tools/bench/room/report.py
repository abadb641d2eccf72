"""What is left of a bench: the JSON, and one table for several engines."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tools.bench.room.judged import Group
from tools.bench.room.roc import summed
from tools.room.scene_files import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tools.bench.room.judged import Judged
    from tools.bench.room.roc import Tally
    from tools.bench.room.rows import AnyFigure

# The moments of more scenes than this are nobody's to look at.
_WORST = 24


def write(
    path: Path, arguments: Mapping[str, object], every: Sequence[Judged], found: Mapping[str, Sequence[AnyFigure]]
) -> None:
    """Write all figures, and each scene as it was judged; the windows only of the worst moments.

    What other limits would have made of the same windows is summed up over the scenes of the goal grid.
    """
    moments = [(judged.engine, judged.name, moment) for judged in every for moment in judged.moments]
    worst = sorted(moments, key=lambda told: -told[2].severity)[:_WORST]
    whole = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": {
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
        },
        "arguments": {name: str(value) for name, value in arguments.items()},
        "figures": {engine: [figure.as_json() for figure in figures] for engine, figures in found.items()},
        "roc": {engine: [asdict(tally) for tally in _roc(every, engine)] for engine in found},
        "scenes": [_plain_scene(judged) for judged in every],
        "worst": [{"engine": engine, "scene": scene, **asdict(moment)} for engine, scene, moment in worst],
    }
    path.write_text(json.dumps(whole, default=plain), encoding="utf-8")


def comparison(found: Mapping[str, Sequence[AnyFigure]]) -> str:
    """Put the main rows of several engines side by side: P50 and P90 of a latency, a share, a rate."""
    engines = list(found)
    names = [figure.name for figure in found[engines[0]] if not figure.name.startswith(" ")]
    rows = [["", *engines]]
    for name in names:
        same = ({figure.name: figure for figure in figures}.get(name) for figures in found.values())
        rows.append([name, *("-" if figure is None else ", ".join(figure.cells()[:2]) for figure in same)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(engines) + 1)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _plain_scene(judged: Judged) -> dict[str, Any]:
    fields = asdict(judged)
    del fields["moments"], fields["roc"]
    return fields


def _roc(every: Sequence[Judged], engine: str) -> tuple[Tally, ...]:
    return summed(judged.roc for judged in every if judged.engine == engine and judged.group is Group.GOAL)
