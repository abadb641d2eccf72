"""The table of all engines, what was missed and why, and the JSON."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

from tools.bench.real.figures import Alarms
from tools.bench.report import GoalState
from tools.room.scene_files import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tools.bench.real.judging import Judged, JudgedVoice, Outcome
    from tools.bench.real.words import Transcript
    from tools.bench.room.rows import AnyFigure

_WIDTH = 130


def table(found: Mapping[str, Sequence[AnyFigure]]) -> str:
    """Put the figures of all engines side by side, each with its verdict; how a row was measured follows it."""
    engines = list(found)
    sections: dict[str, dict[str, dict[str, AnyFigure]]] = {}
    for engine, figures in found.items():
        for figure, section in _with_sections(figures):
            sections.setdefault(section, {}).setdefault(figure.name, {})[engine] = figure
    lines: list[tuple[list[str], str]] = [(["", "trials", *engines, "goal"], "")]
    for name, by_engine in (row for section in sections.values() for row in section.items()):
        one = next(iter(by_engine.values()))
        trials = "" if isinstance(one, Alarms) else str(len(one.values))
        cells = [_cell(by_engine[engine]) if engine in by_engine else "-" for engine in engines]
        lines.append(([name, trials, *cells, one.goal()], one.method))
    widths = [max(len(row[column]) for row, _ in lines) for column in range(len(engines) + 3)]
    printed = []
    for row, method in lines:
        printed.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        printed += textwrap.wrap(method, _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(printed)


def unheard(recordings: Sequence[Judged], voices: Sequence[JudgedVoice]) -> list[str]:
    """Say of each user who did not pause the reply why not."""
    outcomes = [outcome for judged in recordings for outcome in judged.outcomes]
    outcomes += [voice.closed for voice in voices]
    return [_reasons(outcome) for outcome in outcomes if not outcome.paused]


def missed(found: Mapping[str, Sequence[AnyFigure]]) -> list[str]:
    """Name the goals that were missed."""
    return [
        f"{engine}: {figure.name if not figure.name.startswith(' ') else f'{section},{figure.name[1:]}'}"
        for engine, figures in found.items()
        for figure, section in _with_sections(figures)
        if figure.goal_state() is GoalState.MISSED
    ]


def write(
    path: Path,
    arguments: Mapping[str, object],
    found: Mapping[str, Sequence[AnyFigure]],
    judged: Mapping[str, tuple[Sequence[Judged], Sequence[JudgedVoice]]],
    texts: Mapping[str, Sequence[Transcript]],
) -> None:
    """Write all of it."""
    whole = {
        "arguments": {name: str(value) for name, value in arguments.items()},
        "figures": {engine: [figure.as_json() for figure in figures] for engine, figures in found.items()},
        "recordings": {engine: [asdict(one) for one in recordings] for engine, (recordings, _) in judged.items()},
        "voices": {engine: [asdict(one) for one in voices] for engine, (_, voices) in judged.items()},
        "transcripts": {engine: [asdict(one) for one in transcripts] for engine, transcripts in texts.items()},
    }
    path.write_text(json.dumps(whole, default=plain), encoding="utf-8")


def _with_sections(figures: Sequence[AnyFigure]) -> Iterator[tuple[AnyFigure, str]]:
    """Give each figure with the name of the last one that is not a detail of another."""
    section = ""
    for figure in figures:
        section = section if figure.name.startswith(" ") else figure.name
        yield figure, section


def _cell(figure: AnyFigure) -> str:
    verdict = figure.goal_state().value
    return " ".join([", ".join(cell for cell in figure.cells() if cell), *([verdict] if verdict else [])])


def _reasons(outcome: Outcome) -> str:
    told = ", ".join(f"{count} {reason}" for reason, count in outcome.refused.items())
    what = "only ducked" if outcome.ducked else "not heard"
    return (
        f"{outcome.recording} at {outcome.start_s:.2f} s: {what}; of {outcome.windows} windows: {told or 'all voiced'}"
    )
