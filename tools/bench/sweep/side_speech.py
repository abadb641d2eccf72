"""Can what is said to somebody else be told from what is said to us, by how loud and how bright it is?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from tools.bench.sweep.rules import Guard, Rule, spoken
from tools.bench.sweep.score import Outcome, percent, score
from tools.bench.sweep.table import table
from tools.simulator.scene import INTERRUPTIONS, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tools.bench.sweep.listening import Listened
    from tools.simulator.effort import Effort

# What is known when the pause is due, when a word may decide, and when length does.
_VOICED_WINDOWS = (8, 16, 28)
_SOFTER_DB = (4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0)
_BRIGHTER_DB = (-4.0, -2.0, 0.0, 2.0, 4.0, 6.0)
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Voice:
    """A sound against its user's question, dB: how much louder, how much brighter, and both after so many windows."""

    kind: Kind
    effort: Effort
    louder_db: float
    brighter_db: float

    @property
    def group(self) -> str:
        """Give what tables call it."""
        return f"interruption, {self.effort.value}" if self.kind in INTERRUPTIONS else self.kind.value


def report(takes: Sequence[Listened]) -> str:
    """Give the tables."""
    text = ""
    for windows in _VOICED_WINDOWS:
        voices = _voices(takes, windows)
        groups = sorted({voice.group for voice in voices})
        text += table(
            f"against the question, over the first {windows} voiced windows ({windows * 32} ms), dB",
            ("sound", "trials", "louder P2", "P10", "P50", "P90", "P98", "brighter P2", "P10", "P50", "P90", "P98"),
            [_spread(group, [voice for voice in voices if voice.group == group]) for group in groups],
        )
        text += table(
            f"taken for side speech, % ({windows} voiced windows)",
            ("limits, dB", *groups),
            [_row(rule, voices, groups) for rule in _rules()],
        )
    return text


def _rules() -> list[tuple[float, float]]:
    """Give the limits to try: softer than so much, and less bright than so much more than the question."""
    by_level = [(softer_db, np.inf) for softer_db in _SOFTER_DB]
    by_tilt = [(-np.inf, brighter_db) for brighter_db in _BRIGHTER_DB]
    return [*by_level, *by_tilt, *product(_SOFTER_DB[1:5], _BRIGHTER_DB)]


def _row(rule: tuple[float, float], voices: Sequence[Voice], groups: Sequence[str]) -> tuple[str | float, ...]:
    softer_db, brighter_db = rule
    names = (f"softer by {softer_db:g}" if np.isfinite(softer_db) else "", f"brighter by less than {brighter_db:g}")
    taken = {group: [_is_side_speech(voice, rule) for voice in voices if voice.group == group] for group in groups}
    name = ", ".join(name for name, limit in zip(names, rule, strict=True) if np.isfinite(limit))
    return (name, *(percent(taken[group]) for group in groups))


def _is_side_speech(voice: Voice, rule: tuple[float, float]) -> bool:
    softer_db, brighter_db = rule
    return voice.louder_db < -softer_db and voice.brighter_db < brighter_db


def _spread(group: str, voices: Sequence[Voice]) -> tuple[str | float, ...]:
    louder, brighter = [voice.louder_db for voice in voices], [voice.brighter_db for voice in voices]
    return (
        group,
        float(len(voices)),
        *(f"{np.percentile(values, at):.1f}" for values in (louder, brighter) for at in (2, 10, 50, 90, 98)),
    )


def _voices(takes: Sequence[Listened], windows: int) -> list[Voice]:
    rule = Rule(guard=Guard.SHIPPED)
    found = []
    for one in score(takes, rule).outcomes:
        asked = _question(one.listened, rule)
        said = _windows(one, windows)
        if not len(asked) or len(said) < windows:
            continue
        levels = one.listened.tracks[f"level-{rule.treatment.name}"]
        found.append(
            Voice(
                one.sound.kind,
                one.sound.effort,
                _level_db(levels, said) - _level_db(levels, asked),
                _tilt_db(one.listened, said) - _tilt_db(one.listened, asked),
            )
        )
    return found


def _windows(one: Outcome, count: int) -> NDArray[np.intp]:
    """Give the first voiced windows of the first utterance that has as many, as indices into the tracks."""
    long_enough = (each.voiced_ends for each in one.utterances if len(each.voiced_ends) >= count)
    return _indices(one.listened, next(long_enough, ())[:count])


def _question(take: Listened, rule: Rule) -> NDArray[np.intp]:
    return _indices(
        take, tuple(end for each in spoken(take, rule) if each.last <= take.reply_from for end in each.voiced_ends)
    )


def _indices(take: Listened, ends: Sequence[int]) -> NDArray[np.intp]:
    return np.searchsorted(take.tracks["end"], np.array(ends, np.float32))


def _level_db(levels_dbfs: NDArray[np.float32], windows: NDArray[np.intp]) -> float:
    return float(10 * np.log10(np.mean(10 ** (levels_dbfs[windows] / 10)) + _TINY))


def _tilt_db(take: Listened, windows: NDArray[np.intp]) -> float:
    low, high = (float(take.tracks[name][windows].sum()) for name in ("low", "high"))
    return float(10 * np.log10((high + _TINY) / (low + _TINY)))
