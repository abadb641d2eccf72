"""The figures of the benchmark: percentiles, goals, and the table."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from enum import Enum
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PERCENTILES = (50, 90, 99)
_HEAD = ("", "trials", "P50", "P90", "P99", "goal", "")
_WIDTH = 130


class GoalState(Enum):
    """Whether a goal was reached."""

    MET = "met"
    MISSED = "MISSED"
    NO_GOAL = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """The given percentile is at most (of a share: at least) the limit."""

    percentile: int
    limit: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured: a value each trial, in `unit`."""

    name: str
    unit: str
    values: Sequence[float]
    method: str
    goals: Sequence[Goal] = ()
    decimals: int = 0

    def percentile(self, percent: int) -> float:
        """Return a percentile: a value that was measured, the higher one where it falls between two."""
        return float(np.percentile(self.values, percent, method="higher"))

    def cells(self) -> list[str]:
        """Return the percentiles as the table has them."""
        return [f"{self.percentile(percent):.{self.decimals}f} {self.unit}" for percent in PERCENTILES]

    def goal(self) -> str:
        """Return the goals in words."""
        return ", ".join(f"P{goal.percentile} ≤ {goal.limit:g} {self.unit}" for goal in self.goals)

    def goal_state(self) -> GoalState:
        """Judge."""
        return _judged([self.percentile(goal.percentile) <= goal.limit for goal in self.goals])

    def as_json(self) -> dict[str, object]:
        """Return all of it."""
        measured = {f"p{percent}": self.percentile(percent) for percent in PERCENTILES}
        return _json(self) | {"unit": self.unit, **measured, "values": list(self.values)}


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the trials had a property; `least_percent` is the goal, None for none."""

    name: str
    hits: Sequence[bool]
    method: str
    least_percent: float | None = None

    @property
    def values(self) -> Sequence[bool]:
        """One a trial."""
        return self.hits

    @property
    def percent(self) -> float:
        """The share."""
        return 100 * sum(self.hits) / len(self.hits)

    def cells(self) -> list[str]:
        """Return the share as the table has it."""
        return [f"{self.percent:.1f} %", f"{sum(self.hits)} of {len(self.hits)}", ""]

    def goal(self) -> str:
        """Return the goal in words."""
        return "" if self.least_percent is None else f"≥ {self.least_percent:g} %"

    def goal_state(self) -> GoalState:
        """Judge."""
        return _judged([] if self.least_percent is None else [self.percent >= self.least_percent])

    def as_json(self) -> dict[str, object]:
        """Return all of it."""
        return _json(self) | {"unit": "%", "percent": self.percent, "values": list(self.hits)}


def wilson_percent(hits: int, tried: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share, in percent, 0 to 100 of none.

    The score interval (Wilson 1927): it holds where nearly all or nearly none of few trials are hits.
    """
    if not tried:
        return 0.0, 100.0
    share, z = hits / tried, NormalDist().inv_cdf(0.975)
    middle = share + z**2 / (2 * tried)
    half = z * math.sqrt(share * (1 - share) / tried + z**2 / (4 * tried**2))
    low, high = ((middle + side) / (1 + z**2 / tried) for side in (-half, half))
    return 100 * max(0.0, low), 100 * min(1.0, high)


def _judged(reached: Sequence[bool]) -> GoalState:
    if not reached:
        return GoalState.NO_GOAL
    return GoalState.MET if all(reached) else GoalState.MISSED


def _json(figure: Figure | Share) -> dict[str, object]:
    return {
        "name": figure.name,
        "trials": len(figure.values),
        "goal": figure.goal(),
        "verdict": figure.goal_state().value,
        "method": figure.method,
    }


def missed(figures: Iterable[Figure | Share]) -> list[Figure | Share]:
    """Return the figures that miss a goal."""
    return [figure for figure in figures if figure.goal_state() is GoalState.MISSED]


def conclusion(figures: Iterable[Figure | Share]) -> str:
    """Say which goals were missed, a line each, or that none was."""
    judged = [figure for figure in figures if figure.goal_state() is not GoalState.NO_GOAL]
    short = missed(judged)
    if not short:
        return f"All goals are met, {len(judged)} of {len(judged)}."
    told = (
        f"  {figure.name.strip()}: {', '.join(filter(None, figure.cells()))}; goal: {figure.goal()}" for figure in short
    )
    return "\n".join((f"Goals are missed, {len(short)} of {len(judged)}:", *told))


def table(figures: Iterable[Figure | Share]) -> str:
    """Return the table, each row followed by how it was measured."""
    listed = list(figures)
    rows = [_HEAD, *((f.name, str(len(f.values)), *f.cells(), f.goal(), f.goal_state().value) for f in listed)]
    methods = ["", *(figure.method for figure in listed)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = []
    for row, method in zip(rows, methods, strict=True):
        name, *rest = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join((name, *rest)).rstrip())
        lines.extend(textwrap.wrap(method, _WIDTH, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(lines)
