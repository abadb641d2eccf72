"""What a rule makes of takes: false alarms, what is heard, and how soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tools.bench.sweep.rules import spoken
from tools.simulator.levels import RATE_HZ, frames_of
from tools.simulator.noises import NoiseKind
from tools.simulator.scene import INTERRUPTIONS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tools.bench.sweep.listening import Listened, Sound
    from tools.bench.sweep.rules import Rule, Spoken

NEVER = float("inf")
# Who is not heard by then speaks in vain.
HEARD_WITHIN_S = 2.0
# After a sound the room rings, and the detector's memory fades.
AFTERWARDS_S = 0.7
# Sounds that follow each other sooner are one: of double talk, and of a programme.
_ONE_BREATH_S = 1.0
_BABBLING = frozenset((NoiseKind.TV.value, NoiseKind.MUSIC.value))


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of a sound: seconds from its onset to trigger and to confirmation (NEVER), and its utterances."""

    listened: Listened
    sound: Sound
    trigger_s: float
    confirm_s: float
    utterances: tuple[Spoken, ...]

    @property
    def voiced_ms(self) -> float:
        """Voiced time of the longest utterance in it."""
        return 32.0 * max((each.voiced for each in self.utterances), default=0)


@dataclass(frozen=True, slots=True, eq=False)
class FalseAlarm:
    """An utterance that nobody said."""

    listened: Listened
    utterance: Spoken

    @property
    def trigger_s(self) -> float:
        """When, from the beginning of the reply."""
        return ((self.utterance.trigger or self.utterance.first) - self.listened.reply_from) / RATE_HZ


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """All of it, apart for rooms with a television or music as background noise, which sound like voices by themselves.

    hours: of playback; outcomes and alarms: without them. babbling_…: with them; what triggers then may be their doing.
    """

    hours: float
    babbling_hours: float
    outcomes: tuple[Outcome, ...]
    babbling_outcomes: tuple[Outcome, ...]
    alarms: tuple[FalseAlarm, ...]
    babbling_alarms: tuple[FalseAlarm, ...]

    def of(self, keep: Callable[[Outcome], bool]) -> list[Outcome]:
        """Give some of the outcomes."""
        return [outcome for outcome in self.outcomes if keep(outcome)]

    def interruptions(self) -> list[Outcome]:
        """Give what a satellite must give way to."""
        return self.of(lambda outcome: outcome.sound.kind in INTERRUPTIONS)

    def triggers_per_hour(self) -> float:
        """How often nobody would duck the reply."""
        return sum(alarm.utterance.trigger is not None for alarm in self.alarms) / max(self.hours, 1e-9)

    def pauses_per_hour(self) -> float:
        """How often nobody would pause the reply."""
        return sum(alarm.utterance.confirm is not None for alarm in self.alarms) / max(self.hours, 1e-9)


def score(takes: Iterable[Listened], rule: Rule) -> Score:
    """Judge what was heard during playback."""
    outcomes: dict[bool, list[Outcome]] = {False: [], True: []}
    alarms: dict[bool, list[FalseAlarm]] = {False: [], True: []}
    hours = babbling_hours = 0.0
    for listened in takes:
        babbles = listened.noise in _BABBLING
        playback_h = (listened.frames - listened.reply_from) / RATE_HZ / 3600
        hours += 0.0 if babbles else playback_h
        babbling_hours += playback_h if babbles else 0.0
        utterances = [each for each in spoken(listened, rule) if each.last > listened.reply_from]
        left = set(utterances)
        for sound in breaths(listened):
            own = tuple(each for each in utterances if _overlaps(each, sound))
            left.difference_update(own)
            if sound.start > listened.reply_from:
                trigger_s, confirm_s = (_soonest(own, sound, what) for what in ("trigger", "confirm"))
                outcomes[babbles].append(Outcome(listened, sound, trigger_s, confirm_s, own))
        heard = [each for each in sorted(left, key=lambda each: each.first) if each.trigger is not None]
        alarms[babbles].extend(FalseAlarm(listened, each) for each in heard)
    return Score(
        hours=hours,
        babbling_hours=babbling_hours,
        outcomes=tuple(outcomes[False]),
        babbling_outcomes=tuple(outcomes[True]),
        alarms=tuple(alarms[False]),
        babbling_alarms=tuple(alarms[True]),
    )


def breaths(listened: Listened) -> list[Sound]:
    """Give the sounds of a take, those that follow each other at once as one."""
    found: list[Sound] = []
    for sound in listened.sounds:
        if found and sound.start - found[-1].end < frames_of(_ONE_BREATH_S) and sound.kind is found[-1].kind:
            last = found[-1]
            found[-1] = type(sound)(last.kind, last.effort, last.text, last.start, sound.end)
        else:
            found.append(sound)
    return found


def _overlaps(utterance: Spoken, sound: Sound) -> bool:
    return utterance.last > sound.start and utterance.first < sound.end + frames_of(AFTERWARDS_S)


def _soonest(utterances: Sequence[Spoken], sound: Sound, what: str) -> float:
    """Give the seconds until the first of them counts; what had counted before the sound began did so falsely."""
    times = [getattr(each, what) for each in utterances]
    after = [(at - sound.start) / RATE_HZ for at in times if at is not None and at > sound.start]
    return min((seconds for seconds in after if seconds <= HEARD_WITHIN_S), default=NEVER)


def heard_percent(outcomes: Sequence[Outcome]) -> float:
    """Give the share of sounds that triggered in time."""
    return percent([np.isfinite(outcome.trigger_s) for outcome in outcomes])


def paused_percent(outcomes: Sequence[Outcome]) -> float:
    """Give the share of sounds that were confirmed in time."""
    return percent([np.isfinite(outcome.confirm_s) for outcome in outcomes])


def percent(hits: Sequence[bool]) -> float:
    """Give the share of what is true; not a number where there is nothing."""
    return 100 * float(np.mean(hits)) if len(hits) else float("nan")


def ms(seconds: Iterable[float], percentile: float) -> float:
    """Give a percentile of the finite times, in milliseconds; not a number where there is none."""
    finite = [value for value in seconds if np.isfinite(value)]
    return 1000 * float(np.percentile(finite, percentile)) if finite else float("nan")


def of_kind(outcomes: Iterable[Outcome], *kinds: Kind) -> list[Outcome]:
    """Give those of some kinds."""
    return [outcome for outcome in outcomes if outcome.sound.kind in kinds]
