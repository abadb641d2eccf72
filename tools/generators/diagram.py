"""Writes what docs/turn-taking.md shows of the code: the state diagram, the transition table, the numbers."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from enum import Enum
from pathlib import Path

from interject.satellite.settings import SatelliteSettings
from interject.satellite.turn.lexicon import Lexicon
from interject.satellite.turn.machine import TRANSITIONS
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Phase

PAGE = Path(__file__).resolve().parents[2] / "docs" / "turn-taking.md"
_UNITS = {"ms": "ms", "s": "s", "seconds": "s", "timeout": "s", "db": "dB"}
# What nobody sets.
_NOT_SET = {
    "turn_start": "what begins a turn in an idle room: follows from `--wake-word`",
    "judgement": "what interruptions are judged by: duration in Home Assistant's pipeline without `--stt-uri`",
    "window_ms": "fixed by the VAD",
    "lexicon": "words of the language: follows from `--language`",
}
_REGION = "<!-- from the code: {name} -->\n"
_END = "<!-- end -->\n"


class MissingRegionError(Exception):
    """The page has no place for something that is rendered."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{PAGE} has no region {_REGION.format(name=name)!r} followed by {_END!r}")


def render(page: str) -> str:
    """Return the page with its three regions as the code has them; raises MissingRegionError."""
    for name, content in (("diagram", diagram()), ("transitions", transition_table()), ("numbers", number_table())):
        start = _REGION.format(name=name)
        region = re.compile(re.escape(start) + r".*?" + re.escape(_END), re.DOTALL)
        found = region.search(page)
        if found is None:
            raise MissingRegionError(name)
        page = page[: found.start()] + start + content + _END + page[found.end() :]
    return page


def diagram() -> str:
    """Return a Mermaid state diagram; an arrow names the events that may take it."""
    arrows: dict[tuple[Phase, Phase], list[str]] = {}
    for (phase, event), row in TRANSITIONS.items():
        for to in row.to:
            arrows.setdefault((phase, to), []).append(event.__name__)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {Phase.IDLE.name}"]
    lines += [f"    {phase.name} --> {to.name}: {', '.join(events)}" for (phase, to), events in arrows.items()]
    return "\n".join([*lines, "```", ""])


def transition_table() -> str:
    """Return a row for each phase and event that there is a handler for."""
    lines = ["| phase | event | what happens | may lead to |", "|---|---|---|---|"]
    for (phase, event), row in TRANSITIONS.items():
        to = ", ".join(target.name for target in row.to) or "stays"
        lines.append(f"| {phase.name} | {event.__name__} | {row.does} | {to} |")
    return "\n".join([*lines, ""])


def number_table() -> str:
    """Return a row for each setting of turn-taking."""
    helps = {field.name: field.metadata["option"].help for field in fields(SatelliteSettings)}
    lines = ["| setting | default | unit | |", "|---|---|---|---|"]
    for field in fields(TurnSettings):
        default = field.default.value if isinstance(field.default, Enum) else field.default
        if isinstance(default, Lexicon):
            default = default.language
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        unit = _UNITS.get(field.name.rsplit("_", 1)[-1], "")
        flag = f"`--{field.name.replace('_', '-')}`" if field.name in helps else field.name
        lines.append(f"| {flag} | {shown} | {unit} | {helps.get(field.name) or _NOT_SET[field.name]} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
