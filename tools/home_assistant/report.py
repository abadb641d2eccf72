"""The table: one row a scene, and what failed."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.home_assistant.figures import METHODS, merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.harness.checks import Check
    from tools.home_assistant.figures import Column
    from tools.home_assistant.scenes import Scene


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was seen of a scene; `error` when it could not be played to its end."""

    scene: Scene
    checks: Sequence[Check] = ()
    columns: Sequence[Column] = ()
    error: str | None = None

    @property
    def failed(self) -> list[str]:
        """What did not come true."""
        return [check.what for check in self.checks if not check.passed] + ([self.error] if self.error else [])


def markdown(version: str, outcomes: Sequence[Outcome]) -> str:
    """Return the report as it is read: P50 / P90 where there were several trials."""
    names = list(METHODS)
    lines = [
        f"## Home Assistant {version}",
        "",
        f"{_machine()}; {time.strftime('%Y-%m-%d %H:%M')}. P50 / P90 where a scene had several.",
        "",
        _row(["scene", "checks", *names]),
        _row(["---"] * (len(names) + 2)),
    ]
    for outcome in outcomes:
        passed = sum(check.passed for check in outcome.checks)
        checks = f"{passed} of {len(outcome.checks)}" + (" **FAILED**" if outcome.failed else "")
        lines.append(_row([outcome.scene.name, checks, *_cells(outcome.columns, names)]))
    lines.append(_row(["all", "", *_cells(merged(outcome.columns for outcome in outcomes), names)]))
    lines += ["", *(f"- **{outcome.scene.name}**: {outcome.scene.summary}" for outcome in outcomes)]
    failures = [f"- {outcome.scene.name}: {what}" for outcome in outcomes for what in outcome.failed]
    lines += ["", "Failed:", "", *failures] if failures else ["", "Everything came true."]
    lines += ["", "How it was measured:", "", *(f"- {name}: {method}" for name, method in METHODS.items())]
    return "\n".join(lines) + "\n"


def as_json(version: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return all that was measured."""
    return {
        "home_assistant": version,
        "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": _machine(),
        "scenes": [
            {
                "name": outcome.scene.name,
                "checks": {check.what: check.passed for check in outcome.checks},
                "figures": {column.name: list(column.values) for column in outcome.columns},
                "error": outcome.error,
            }
            for outcome in outcomes
        ],
    }


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(columns: Sequence[Column], names: Sequence[str]) -> list[str]:
    found = {column.name: column.cell() for column in columns}
    return [found.get(name, "") for name in names]
