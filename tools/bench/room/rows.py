"""The kinds of row that the bench prints, made of judged scenes; what was never tried makes no row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.bench.report import Figure, Goal, GoalState, Share
from tools.bench.room.failures import yielded
from tools.simulator.corpus import RECORDED_VOICE
from tools.simulator.scene import INTERRUPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from tools.bench.room.judged import AlarmKind, Judged, Latencies, Outcome
    from tools.simulator.scene import Kind

_MS = 1000.0
_HOUR_S = 3600.0

AnyFigure = Figure | Share


@dataclass(frozen=True, slots=True)
class Rate(Figure):
    """How often something happened: `values` are the times (s), `most_per_hour` is the goal, None for none."""

    hours: float = 1.0
    most_per_hour: float | None = None

    @property
    def per_hour(self) -> float:
        """The rate."""
        return len(self.values) / self.hours if self.hours else 0.0

    def cells(self) -> list[str]:
        """Return the rate as the table has it."""
        return [f"{self.per_hour:.1f} /h", f"in {self.hours:.2f} h", ""]

    def goal(self) -> str:
        """Return the goal in words."""
        return "" if self.most_per_hour is None else f"≤ {self.most_per_hour:g} /h"

    def goal_state(self) -> GoalState:
        """Judge."""
        if self.most_per_hour is None:
            return GoalState.NO_GOAL
        return GoalState.MET if self.per_hour <= self.most_per_hour else GoalState.MISSED

    def as_json(self) -> dict[str, object]:
        """Return all of it."""
        return {
            "name": self.name,
            "trials": len(self.values),
            "goal": self.goal(),
            "verdict": self.goal_state().value,
            "method": self.method,
            "unit": "/h",
            "per_hour": self.per_hour,
            "hours": self.hours,
            "values": list(self.values),
        }


def measured(
    name: str, unit: str, values: Sequence[float], method: str, goals: Sequence[Goal] = (), decimals: int = 0
) -> list[AnyFigure]:
    """Give a row of percentiles."""
    return [Figure(name, unit, values, method, goals, decimals)] if values else []


def share(
    name: str,
    tried: Iterable[Outcome],
    hit: Callable[[Outcome], bool],
    method: str = "",
    least_percent: float | None = None,
) -> list[AnyFigure]:
    """Give a row that says how many of some outcomes were as wanted."""
    hits = [hit(outcome) for outcome in tried]
    return [Share(name, hits, method, least_percent)] if hits else []


def rate(
    name: str,
    scenes: Sequence[Judged],
    kinds: Collection[AlarmKind],
    method: str = "",
    most_per_hour: float | None = None,
) -> list[AnyFigure]:
    """Give a row that says how often an hour of playback had false alarms of some kinds."""
    hours = sum(judged.playback_s for judged in scenes) / _HOUR_S
    times = [alarm.at_s for judged in scenes for alarm in judged.false_alarms if alarm.kind in kinds]
    return [Rate(name, "/h", times, method, hours=hours, most_per_hour=most_per_hour)] if hours else []


def tried(scenes: Iterable[Judged], kinds: Collection[Kind]) -> list[Outcome]:
    """Give the outcomes of the sounds of some kinds that began while the satellite spoke."""
    return [outcome for judged in scenes for outcome in judged.outcomes if outcome.kind in kinds and outcome.speaking]


def real(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Give those in which a recorded voice spoke, not a synthetic one."""
    return [outcome for outcome in outcomes if outcome.voice.startswith(RECORDED_VOICE)]


def latencies_ms(scenes: Iterable[Judged], value: Callable[[Latencies], float | None]) -> list[float]:
    """Give a latency of each interruption that was yielded to."""
    every = (value(outcome.latencies) for outcome in tried(scenes, INTERRUPTIONS) if yielded(outcome))
    return [latency_s * _MS for latency_s in every if latency_s is not None]


def by_level(scenes: Iterable[Judged]) -> list[tuple[str, list[Judged]]]:
    """Give the scenes of each echo level, from the lowest, with the level as a row's name."""
    sorted_scenes = sorted(scenes, key=lambda judged: judged.echo_db)
    levels = sorted({judged.echo_db for judged in sorted_scenes})
    return [(f"  at {level:+.0f} dB", [one for one in sorted_scenes if one.echo_db == level]) for level in levels]
