"""From judged recordings to the figures that are printed, each with its goal and its method."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.bench.real.recordings import Kind
from tools.bench.real.voices import Length
from tools.bench.report import Figure, Goal, GoalState, Share
from tools.bench.room.judged import AFTERWARDS_S, YIELD_S
from tools.bench.room.rows import AnyFigure, Rate, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tools.bench.real.judging import Judged, JudgedVoice, Outcome

_MS = 1000.0
_HOUR_S = 3600.0
# Of the user's utterances in recordings; of 35, that is all but one, and all but two.
_DUCKED_PERCENT, _PAUSED_PERCENT = 97.0, 95.0
# A microphone of the AEC Challenge whose own processing gates and pumps: what is left of an echo there comes in bursts.
_PUMPING = frozenset(("fe-0B-Y",))
_FALSE_DUCKS, _FALSE_PAUSES, _PUMPING_PAUSES = 1, 0, 1
_VOICES_PERCENT = {
    Length.SENTENCE: {0.0: 98.0, 10.0: 95.0, 20.0: 80.0},
    Length.WORD: {0.0: 92.0, 10.0: 80.0, 20.0: 55.0},
}
_PAUSE_MS = (Goal(50, 300), Goal(90, 450))
# Up to so much echo.
_PAUSE_GOAL_DB = 10.0
# At an echo as loud as the user.
_SI_SDR_DB = 6.0
_CPU_MS = (Goal(50, 20),)


@dataclass(frozen=True, slots=True)
class Nearest(Share):
    """A share whose goal counts to the nearest whole trial."""

    def goal_state(self) -> GoalState:
        """Judge."""
        if self.least_percent is None:
            return GoalState.NO_GOAL
        return GoalState.MET if sum(self.hits) >= round(self.least_percent / 100 * len(self.hits)) else GoalState.MISSED


@dataclass(frozen=True, slots=True)
class Alarms(Rate):
    """How often something happened that should not; `most` is the goal as a count, None for none."""

    most: int | None = None

    def cells(self) -> list[str]:
        """Return count and rate as the table has them."""
        return [f"{len(self.values)}", f"{self.per_hour:.0f} /h", f"in {self.hours * 60:.1f} min"]

    def goal(self) -> str:
        """Return the goal in words."""
        return "" if self.most is None else f"≤ {self.most}"

    def goal_state(self) -> GoalState:
        """Judge."""
        if self.most is None:
            return GoalState.NO_GOAL
        return GoalState.MET if len(self.values) <= self.most else GoalState.MISSED


@dataclass(frozen=True, slots=True)
class Mean(Figure):
    """A mean in dB; `least` is the goal, None for none."""

    least: float | None = None

    def cells(self) -> list[str]:
        """Return the mean as the table has it."""
        return [f"{sum(self.values) / len(self.values):.1f} {self.unit}", "mean", ""]

    def goal(self) -> str:
        """Return the goal in words."""
        return "" if self.least is None else f"≥ {self.least:.1f} {self.unit}"

    def goal_state(self) -> GoalState:
        """Judge."""
        if self.least is None:
            return GoalState.NO_GOAL
        return GoalState.MET if sum(self.values) / len(self.values) >= self.least else GoalState.MISSED


def figures(recordings: Sequence[Judged], voices: Sequence[JudgedVoice]) -> list[AnyFigure]:
    """Give all figures of one engine; what was never tried makes no row."""
    return [*_users(recordings), *_alarms(recordings), *_voices(voices), *_speech(voices), *_canceller(recordings)]


def _users(recordings: Sequence[Judged]) -> list[AnyFigure]:
    outcomes = [outcome for judged in recordings for outcome in judged.outcomes]
    if not outcomes:
        return []
    method = f"labelled utterances; ducked, paused within {YIELD_S:g} s of the onset, open loop"
    return [
        Nearest("user ducked", [each.ducked for each in outcomes], method, _DUCKED_PERCENT),
        Nearest("user paused", [each.paused for each in outcomes], "", _PAUSED_PERCENT),
        *_latencies(outcomes, ()),
        *_refusals(outcomes),
    ]


def _latencies(outcomes: Iterable[Outcome], goals: Sequence[Goal]) -> list[AnyFigure]:
    every = list(outcomes)
    ducks = [each.duck_s * _MS for each in every if each.duck_s is not None]
    pauses = [each.pause_s * _MS for each in every if each.pause_s is not None]
    return [*measured("  onset -> duck", "ms", ducks, ""), *measured("  onset -> pause", "ms", pauses, "", goals)]


def _refusals(outcomes: Sequence[Outcome]) -> list[AnyFigure]:
    """Say which share of a user's windows did not count as voiced, and why."""
    windows = sum(each.windows for each in outcomes)
    reasons: Counter[str] = Counter()
    for each in outcomes:
        reasons.update(each.refused)
    return [
        Share(f"  not voiced: {reason}", [number < count for number in range(windows)], "")
        for reason, count in sorted(reasons.items())
    ]


def _alarms(recordings: Sequence[Judged]) -> list[AnyFigure]:
    alone = [one for one in recordings if one.kind is Kind.FAR_END and one.name not in _PUMPING]
    pumping = [one for one in recordings if one.kind is Kind.FAR_END and one.name in _PUMPING]
    others = [one for one in recordings if one.kind is not Kind.FAR_END]
    method = f"began while something was played, outside every label and the {AFTERWARDS_S:g} s after it"
    return [
        *_alarm("false ducks, nobody speaks", alone, lambda one: one.false_ducks_s, _FALSE_DUCKS, method),
        *_alarm("false pauses, nobody speaks", alone, lambda one: one.false_pauses_s, _FALSE_PAUSES),
        *_alarm("false ducks, a microphone that pumps", pumping, lambda one: one.false_ducks_s),
        *_alarm("false pauses, a microphone that pumps", pumping, lambda one: one.false_pauses_s, _PUMPING_PAUSES),
        *_alarm("false ducks, between a user's words", others, lambda one: one.false_ducks_s),
        *_alarm("false pauses, between a user's words", others, lambda one: one.false_pauses_s),
    ]


def _alarm(
    name: str,
    recordings: Sequence[Judged],
    times: Callable[[Judged], Sequence[float]],
    most: int | None = None,
    method: str = "",
) -> list[AnyFigure]:
    hours = sum(one.playback_s for one in recordings) / _HOUR_S
    values = [time for one in recordings for time in times(one)]
    return [Alarms(name, "/h", values, method, hours=hours, most=most)] if hours else []


def _voices(voices: Sequence[JudgedVoice]) -> list[AnyFigure]:
    rows: list[AnyFigure] = []
    method = (
        f"a voice added to a real echo; paused within {YIELD_S:g} s of its onset; while it ducks, playback and its "
        "echo are ducked"
    )
    for length in Length:
        for echo_db in _levels(voices):
            said = [voice for voice in voices if voice.length is length and voice.echo_db == echo_db]
            if not said:
                continue
            name = f"{length.value}, echo {echo_db:+g} dB"
            goal = _VOICES_PERCENT.get(length, {}).get(echo_db)
            rows.append(Share(f"{name}: paused", [voice.closed.paused for voice in said], method, goal))
            rows.append(Share("  ducked", [voice.closed.ducked for voice in said], ""))
            rows.append(Share("  paused, open loop: never ducked", [voice.open.paused for voice in said], ""))
            rows += _latencies((voice.closed for voice in said), _PAUSE_MS if echo_db <= _PAUSE_GOAL_DB else ())
            method = ""
    return rows


def _speech(voices: Sequence[JudgedVoice]) -> list[AnyFigure]:
    rows: list[AnyFigure] = []
    method = "of an added voice in what speech recognition gets, open loop, at the best lag of 0 to 20 ms"
    for echo_db in _levels(voices):
        said = [voice for voice in voices if voice.echo_db == echo_db]
        raw = [voice.mic_si_sdr_db for voice in said]
        least = max(sum(raw) / len(raw), _SI_SDR_DB if echo_db == 0 else float("-inf"))
        kept = [voice.si_sdr_db for voice in said]
        rows.append(Mean(f"SI-SDR, echo {echo_db:+g} dB", "dB", kept, method, least=least))
        rows.append(Mean("  in the microphone's signal", "dB", raw, ""))
        method = ""
    return rows


def _levels(voices: Sequence[JudgedVoice]) -> list[float]:
    return sorted({voice.echo_db for voice in voices})


def _canceller(recordings: Sequence[Judged]) -> list[AnyFigure]:
    gains = [one.erle_db for one in recordings if one.erle_db is not None]
    method = "microphone -> what speech recognition gets, while only we speak, from 4 s of playback on, noise included"
    cpu_method = "thread CPU time of FrontEnd.push with Silero; of this run on this machine, other work included"
    spent = [one.cpu_ms for one in recordings]
    return [
        *measured("ERLE", "dB", gains, method, (), 1),
        *measured("front end: CPU per second of audio", "ms", spent, cpu_method, _CPU_MS, 1),
    ]
