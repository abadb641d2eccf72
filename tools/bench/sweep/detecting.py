"""Thresholds and windows of the voice activity detector: while we speak, in an idle room, and at the end of a turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.turn.state import Phase
from tools.bench.sweep.rows import HEAD, OTHERS_HEAD, others, row
from tools.bench.sweep.rules import Guard, Rule, spoken
from tools.bench.sweep.score import AFTERWARDS_S, breaths, heard_percent, ms, of_kind, percent, score
from tools.bench.sweep.table import table
from tools.simulator.levels import RATE_HZ, frames_of
from tools.simulator.noises import NoiseKind
from tools.simulator.scene import INTERRUPTIONS, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.sweep.listening import Listened, Sound

_THRESHOLDS = (0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_ENDING_THRESHOLDS = (0.35, 0.5, 0.6, 0.7)
_WINDOWS = (1, 2, 3, 4)
_HYSTERESES = (0.0, 0.1, 0.15, 0.25, 0.35)
_SILENCES_MS = (300, 400, 500, 600, 700, 800, 1000)
# Whole sentences: only these have pauses inside.
_SENTENCES = frozenset((Kind.QUESTION, Kind.LONG))
_IDLE = Rule(phase=Phase.IDLE, guard=Guard.NONE)
_LISTENING = Rule(phase=Phase.LISTENING, guard=Guard.NONE)
_QUESTION_AND_MORE = INTERRUPTIONS | {Kind.QUESTION}


def speaking(takes: Sequence[Listened]) -> str:
    """Give the tables of the phase in which we speak."""
    base = Rule(guard=Guard.SHIPPED)
    grid = [
        (f"{threshold:g} x {windows}", base.with_turn(speaking_threshold=threshold, speaking_trigger_windows=windows))
        for threshold in _THRESHOLDS
        for windows in _WINDOWS
    ]
    hystereses = [(f"{hysteresis:g}", base.with_turn(vad_hysteresis=hysteresis)) for hysteresis in _HYSTERESES]
    return table(
        "speaking: threshold x windows in a row, guard as shipped (other sounds: % that pause)",
        ("threshold", *HEAD, *OTHERS_HEAD),
        [_speaking_row(takes, name, rule) for name, rule in grid],
    ) + table(
        f"speaking: hysteresis, threshold {base.turn.speaking_threshold:g}",
        ("hysteresis", *HEAD, *OTHERS_HEAD),
        [_speaking_row(takes, name, rule) for name, rule in hystereses],
    )


def _speaking_row(takes: Sequence[Listened], name: str, rule: Rule) -> tuple[str | float, ...]:
    scored = score(takes, rule)
    return (*row(name, scored), *others(scored))


def idle(silent: Sequence[Listened]) -> str:
    """Give the tables of a room in which nothing is played."""
    grid = [
        (
            f"{threshold:g} x {windows}",
            _IDLE.with_turn(vad_threshold=threshold, trigger_windows=windows),
        )
        for threshold in _THRESHOLDS
        for windows in _WINDOWS
    ]
    return table(
        "idle: threshold x windows in a row, nothing is played",
        ("threshold", "false/h", "with TV or music/h", "heard %", "word %", "P50 ms", "P90", "P99", "cough %"),
        [_idle_row(silent, name, rule) for name, rule in grid],
    )


def _idle_row(silent: Sequence[Listened], name: str, rule: Rule) -> tuple[str | float, ...]:
    scored = score(silent, rule)
    real = scored.of(lambda one: one.sound.kind in _QUESTION_AND_MORE)
    times = [one.trigger_s for one in real]
    babbled = sum(alarm.utterance.trigger is not None for alarm in scored.babbling_alarms)
    return (
        name,
        scored.triggers_per_hour(),
        babbled / max(scored.babbling_hours, 1e-9),
        heard_percent(real),
        heard_percent(of_kind(real, Kind.WORD)),
        *(ms(times, at) for at in (50, 90, 99)),
        heard_percent(of_kind(scored.outcomes, Kind.COUGH)),
    )


def ending(silent: Sequence[Listened]) -> str:
    """Give the tables of the end of a turn, when nothing is played: how late it is seen, and pauses inside."""
    late = ("late P10 ms", "P50", "P90", "P99")
    return table(
        "end of a sentence: last voiced window after the voice, longest pause inside, % cut by a silence of",
        ("threshold - hysteresis", "sentences", *late, "pause P90", "P99", *(f"{limit} ms" for limit in _SILENCES_MS)),
        [_ending_row(silent, threshold, hysteresis) for threshold in _ENDING_THRESHOLDS for hysteresis in _HYSTERESES],
    )


def _ending_row(silent: Sequence[Listened], threshold: float, hysteresis: float) -> tuple[str | float, ...]:
    late, gaps = _endings(silent, _LISTENING.with_turn(listening_threshold=threshold, vad_hysteresis=hysteresis))
    return (
        f"{threshold:g} - {hysteresis:g}",
        float(len(gaps)),
        *(ms(late, at) for at in (10, 50, 90, 99)),
        *(ms(gaps, at) for at in (90, 99)),
        *(percent([gap >= limit / 1000 for gap in gaps]) for limit in _SILENCES_MS),
    )


def _endings(silent: Sequence[Listened], rule: Rule) -> tuple[list[float], list[float]]:
    """Give for every sentence the seconds from its end to that of the last voiced window, and its longest pause."""
    late: list[float] = []
    gaps: list[float] = []
    for take in silent:
        # Whoever speaks on the television never comes to an end.
        if take.noise == NoiseKind.TV.value:
            continue
        for sound in breaths(take):
            voiced = _voiced_ends(take, rule, sound) if sound.kind in _SENTENCES else np.zeros(0)
            if not len(voiced):
                continue
            late.append((float(voiced[-1]) - sound.end) / RATE_HZ)
            inside = np.diff(voiced) - frames_of(rule.turn.window_ms / 1000)
            gaps.append(float(inside.max(initial=0)) / RATE_HZ)
    return late, gaps


def _voiced_ends(take: Listened, rule: Rule, sound: Sound) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    until = sound.end + frames_of(AFTERWARDS_S)
    ends = [end for each in spoken(take, rule) for end in each.voiced_ends if sound.start < end <= until]
    return np.array(ends, np.float64)
