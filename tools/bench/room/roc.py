"""What other limits would have made of the same windows: self-interrupts against missed barge-ins, open loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from interject.satellite.aec.base import Convergence
from interject.satellite.turn.events import VoiceWindow
from interject.satellite.turn.state import Phase
from interject.satellite.turn.utterance import Utterance, update
from tools.bench.room.episodes import Stretch
from tools.bench.room.judged import AFTERWARDS_S, YIELD_S
from tools.simulator.levels import RATE_HZ
from tools.simulator.scene import INTERRUPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from interject.satellite.turn.settings import TurnSettings
    from tools.bench.room.performance import Judgment
    from tools.simulator.rendering import Label

# Below, the hysteresis would take any noise for the rest of an utterance.
_THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the Kalman canceller's guard asks of a window: see EchoFacts.refusal_by_limits."""

    least_evidence: float
    most_coherence: float


# From a guard that believes everything to one that believes next to nothing.
_LIMITS = (Limits(0.0, 1.0), Limits(0.03, 0.7), Limits(0.12, 0.4), Limits(0.2, 0.3))


@dataclass(frozen=True, slots=True)
class Rule:
    """The least probability of speech in a reply, and the guard's limits; None: as the guard had judged."""

    threshold: float
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What a rule comes to, counted.

    false_ducks, false_pauses: outside of every label and 0.7 s behind it, while a reply was under way. ducks, pauses:
    of the `interruptions` that began then, those that had come to it within 2 s.
    """

    rule: Rule
    false_ducks: int = 0
    false_pauses: int = 0
    ducks: int = 0
    pauses: int = 0
    interruptions: int = 0

    def plus(self, other: Tally) -> Tally:
        """Add what the same rule came to elsewhere."""
        return Tally(
            self.rule,
            self.false_ducks + other.false_ducks,
            self.false_pauses + other.false_pauses,
            self.ducks + other.ducks,
            self.pauses + other.pauses,
            self.interruptions + other.interruptions,
        )

    def ducking(self, hours: float) -> Point:
        """Return the point for ducks."""
        return Point(self.false_ducks / hours, 100 * (1 - self.ducks / max(1, self.interruptions)))

    def pausing(self, hours: float) -> Point:
        """Return the point for pauses: a false one is a self-interrupt."""
        return Point(self.false_pauses / hours, 100 * (1 - self.pauses / max(1, self.interruptions)))


@dataclass(frozen=True, slots=True)
class Point:
    """False alarms an hour of playback, and the share of interruptions that were missed."""

    false_per_h: float
    missed_percent: float


def roc(
    judgments: Sequence[Judgment], labels: Sequence[Label], spoken: Sequence[Stretch], turn: TurnSettings
) -> tuple[Tally, ...]:
    """Count for each rule what the windows of a scene would have come to; the first rule is the one that is set.

    spoken: when a reply was under way. What is heard is what was heard while the satellite did what it did.
    """
    asked = Rule(turn.speaking_threshold)
    others = [Rule(threshold) for threshold in _THRESHOLDS if threshold != asked.threshold]
    if any(judgment.evidence is not None for judgment in judgments):
        thresholds = sorted({*_THRESHOLDS, asked.threshold})
        others += [Rule(threshold, limits) for limits, threshold in product(_LIMITS, thresholds)]
    return tuple(_tally(judgments, labels, spoken, rule, turn) for rule in (asked, *others))


def _tally(
    judgments: Sequence[Judgment], labels: Sequence[Label], spoken: Sequence[Stretch], rule: Rule, turn: TurnSettings
) -> Tally:
    sounds = [Stretch(label.start_frame / RATE_HZ, label.end_frame / RATE_HZ + AFTERWARDS_S) for label in labels]
    tally, before = Tally(rule), Utterance()
    ducked_s: list[float] = []
    paused_s: list[float] = []
    window_s = turn.window_ms / 1000
    for end_s, evidence in _evidence(judgments, rule, turn):
        if evidence.triggered:
            ducked_s.append(end_s)
        if evidence.confirmed:
            paused_s.append(end_s)
        # The window that paused the reply ends where the reply does.
        if _within(end_s - window_s, spoken) and not _within(end_s, sounds):
            false_duck = int(evidence.triggered and not before.triggered)
            false_pause = int(evidence.confirmed and not before.confirmed)
            tally = tally.plus(Tally(rule, false_duck, false_pause))
        before = evidence
    for label in labels:
        call = Stretch(label.start_frame / RATE_HZ, label.start_frame / RATE_HZ + YIELD_S)
        if label.kind in INTERRUPTIONS and _within(call.start_s, spoken):
            duck, pause = (int(any(call.has(at_s) for at_s in times_s)) for times_s in (ducked_s, paused_s))
            tally = tally.plus(Tally(rule, ducks=duck, pauses=pause, interruptions=1))
    return tally


def _evidence(judgments: Sequence[Judgment], rule: Rule, turn: TurnSettings) -> Iterator[tuple[float, Utterance]]:
    """Give when each window of an utterance ends, and what the turn machine would know by then."""
    settings = replace(turn, speaking_threshold=rule.threshold)
    evidence = Utterance()
    for judgment in judgments:
        probability = judgment.window.probability
        if evidence.onset_s is None and probability < rule.threshold:
            continue
        end_s = judgment.window.end_index / RATE_HZ
        window = VoiceWindow(probability, is_echo=_is_ours(judgment, rule.limits))
        evidence = update(evidence, window, end_s, Phase.SPEAKING, settings)
        yield end_s, evidence


def _within(at_s: float, stretches: Iterable[Stretch]) -> bool:
    return any(stretch.has(at_s) for stretch in stretches)


def _is_ours(judgment: Judgment, limits: Limits | None) -> bool:
    """Tell what the guard would say with other limits; before it knows the echo it has none."""
    known = judgment.report.playing and judgment.report.convergence is Convergence.CONVERGED
    if limits is None or judgment.evidence is None or judgment.coherence is None or not known:
        return judgment.window.is_echo
    return judgment.evidence < limits.least_evidence or judgment.coherence > limits.most_coherence


def summed(scenes: Iterable[Sequence[Tally]]) -> tuple[Tally, ...]:
    """Add up what scenes came to, rule by rule, in the order of the first."""
    sums: dict[Rule, Tally] = {}
    for tally in (tally for scene in scenes for tally in scene):
        sums[tally.rule] = tally.plus(sums.get(tally.rule, Tally(tally.rule)))
    return tuple(sums.values())


def frontier(points: Iterable[Point]) -> list[Point]:
    """Return the points that no other is as good as in both, by false alarms."""
    best: list[Point] = []
    for point in sorted(points, key=lambda point: (point.false_per_h, point.missed_percent)):
        if not best or point.missed_percent < best[-1].missed_percent:
            best.append(point)
    return best
