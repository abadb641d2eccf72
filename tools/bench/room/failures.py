"""What went wrong in a scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.bench.room.judged import YIELD_S, AlarmKind
from tools.simulator.scene import INTERRUPTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.room.judged import FalseAlarm, Outcome

# A satellite that cuts itself off is worse than one that is cut off by the wrong person or does not hear the right one.
_SEVERITY = {AlarmKind.DUCK: 1.0, AlarmKind.PAUSE: 2.0, AlarmKind.COMMIT: 3.0}
_MISSED = 2.5
_CUT = 2.2


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, when; a higher severity is worse."""

    why: str
    severity: float
    at_s: float


def failures(outcomes: Sequence[Outcome], alarms: Sequence[FalseAlarm]) -> list[Failure]:
    """Give every false alarm, every interruption that was not yielded to, every wrong cut; the worst first."""
    found = [Failure(f"false {alarm.kind.value}", _SEVERITY[alarm.kind], alarm.at_s) for alarm in alarms]
    for outcome in outcomes:
        if outcome.speaking and outcome.kind in INTERRUPTIONS and not yielded(outcome):
            found.append(Failure(f"missed: {outcome.text}", _MISSED, outcome.start_s))
        if outcome.speaking and outcome.kind not in INTERRUPTIONS and outcome.latencies.commit_s is not None:
            found.append(Failure(f"cut by {outcome.kind.value}: {outcome.text}", _CUT, outcome.start_s))
    return sorted(found, key=lambda failure: -failure.severity)


def yielded(outcome: Outcome) -> bool:
    """Whether the floor was given soon enough."""
    return outcome.latencies.commit_s is not None and outcome.latencies.commit_s <= YIELD_S
