"""The moments of a performance that are worth looking at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.pcm import INT16_FULL_SCALE
from tools.bench.room.failures import Failure, failures, yielded
from tools.bench.room.judged import Moment, WindowSeen
from tools.bench.room.sound import levels_dbfs
from tools.simulator.levels import RATE_HZ
from tools.simulator.scene import INTERRUPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.bench.room.judged import FalseAlarm, Outcome
    from tools.bench.room.performance import Judgment, Performance

_BEFORE_S, _AFTER_S = 1.0, 2.5
# More of one scene would crowd out the others.
_MOST = 3
_MARKS = frozenset(("duck", "unduck", "pause", "resume", "interrupt", "reply-started", "duplex-mode"))


def moments(performance: Performance, outcomes: Sequence[Outcome], alarms: Sequence[FalseAlarm]) -> tuple[Moment, ...]:
    """Cut out the worst failures, and after them the slowest silence (severity below 1)."""
    worst = failures(outcomes, alarms)[:_MOST]
    slow = [outcome for outcome in outcomes if outcome.kind in INTERRUPTIONS and yielded(outcome)]
    slowest = max(slow, key=lambda outcome: outcome.latencies.silence_s or 0.0, default=None)
    if slowest is not None and slowest.latencies.silence_s is not None:
        silence_s = slowest.latencies.silence_s
        worst.append(Failure(f"slow: {slowest.text}", silence_s / (1 + silence_s), slowest.start_s))
    return tuple(_moment(performance, failure) for failure in worst)


def _moment(performance: Performance, failure: Failure) -> Moment:
    from_s = max(0.0, failure.at_s - _BEFORE_S)
    until_s = min(len(performance.mic) / RATE_HZ, failure.at_s + _AFTER_S)
    frames = slice(round(from_s * RATE_HZ), round(until_s * RATE_HZ))
    labels = (
        (label.kind.value, label.start_frame / RATE_HZ, label.end_frame / RATE_HZ)
        for label in performance.rendered.labels
    )
    return Moment(
        why=failure.why,
        severity=failure.severity,
        from_s=from_s,
        windows=tuple(_windows(performance.judgments, from_s, until_s)),
        loudspeaker_dbfs=levels_dbfs(performance.loudspeaker[frames].astype(np.float32) / INT16_FULL_SCALE),
        echo_dbfs=levels_dbfs(performance.echo[frames]),
        people_dbfs=levels_dbfs(performance.people[frames]),
        marks=tuple(
            (record["type"], record["t"])
            for record in performance.records
            if record["type"] in _MARKS and from_s <= record["t"] <= until_s
        ),
        labels=tuple(label for label in labels if label[1] < until_s and label[2] > from_s),
    )


def _windows(judgments: Sequence[Judgment], from_s: float, until_s: float) -> Iterator[WindowSeen]:
    for judgment in judgments:
        window = judgment.window
        end_s = window.end_index / RATE_HZ
        if from_s <= end_s <= until_s:
            yield WindowSeen(
                end_s=round(end_s, 3),
                probability=round(window.probability, 3),
                is_echo=window.is_echo,
                level_dbfs=round(window.level_db, 1),
                evidence=_rounded(judgment.evidence),
                coherence=_rounded(judgment.coherence),
                convergence=judgment.report.convergence.value,
            )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
