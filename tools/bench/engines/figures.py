"""The rows of the bench, with their goals: how often, with confidence intervals, and how soon."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from interject.satellite.turn.lexicon import words_of
from tools.bench.engines.judging import Outcome
from tools.bench.engines.voices import INTERRUPTIONS, Role
from tools.bench.real.words import WordErrors
from tools.bench.report import Figure, Goal, GoalState, Share, wilson_percent
from tools.bench.room.rows import measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tools.bench.engines.judging import Judged, Latencies
    from tools.bench.room.rows import AnyFigure

# Percent of the trials of a role.
_MOST_CUT = {Role.BACKCHANNEL: 3.0, Role.NOISE: 5.0, Role.OTHER: None}
_LEAST_YIELDED = {Role.SENTENCE: 98.0, Role.WORD: 95.0}
_MOST_STUTTERS = 1.0
_COMMIT = (Goal(50, 700),)
_STOP_COMMIT = (Goal(50, 500), Goal(90, 700))
_TRANSCRIPT = (Goal(50, 100),)
_ANSWER = (Goal(50, 1200),)
_METHODS = {
    Outcome.CUT: "an interrupt record followed the clip's onset before the next clip began",
    Outcome.HOLE: "it paused the reply for 200 ms or more, and the reply went on",
    Outcome.DUCKED: "the reply got softer, or paused for less",
    Outcome.NOTHING: "",
}


@dataclass(frozen=True, slots=True)
class Proportion(Share):
    """A share of independent trials with its 95 % confidence interval; `most_percent` is a goal from above."""

    most_percent: float | None = None

    def cells(self) -> list[str]:
        """Return the share as the table has it."""
        low, high = wilson_percent(sum(self.hits), len(self.hits))
        counted = f"{sum(self.hits)} of {len(self.hits)} ({low:.1f} to {high:.1f})"
        return [f"{self.percent:.1f} %", counted, ""]

    def goal(self) -> str:
        """Return the goal in words."""
        return Share.goal(self) if self.most_percent is None else f"≤ {self.most_percent:g} %"

    def goal_state(self) -> GoalState:
        """Judge."""
        if self.most_percent is None:
            return Share.goal_state(self)
        return GoalState.MET if self.percent <= self.most_percent else GoalState.MISSED

    def as_json(self) -> dict[str, object]:
        """Return all of it."""
        low, high = wilson_percent(sum(self.hits), len(self.hits))
        return Share.as_json(self) | {"from_percent": low, "to_percent": high}


def figures(trials: Sequence[Judged], turns: Sequence[Latencies]) -> list[AnyFigure]:
    """Give all rows; what was never tried makes none."""
    return [
        *_left_alone(trials, Role.BACKCHANNEL),
        *_left_alone(trials, Role.NOISE),
        *_left_alone(trials, Role.OTHER),
        *_yields(trials, Role.SENTENCE),
        *_yields(trials, Role.WORD),
        *_floor(trials),
        *_words(
            [trial for trial in trials if trial.trial.voice.role in INTERRUPTIONS and trial.outcome is Outcome.CUT]
        ),
        *_turns(turns),
    ]


def without_goals(rows: Iterable[AnyFigure]) -> list[AnyFigure]:
    """Give rows that are there to be compared with."""
    return [
        replace(row, most_percent=None, least_percent=None) if isinstance(row, Proportion)
        else replace(row, goals=()) if isinstance(row, Figure)
        else row
        for row in rows
    ]  # fmt: skip


def _left_alone(trials: Sequence[Judged], role: Role) -> list[AnyFigure]:
    mine = [trial for trial in trials if trial.trial.voice.role is role]
    rows = _share(f"{role.value}: cut the reply off", mine, _cut, _METHODS[Outcome.CUT])
    rows = [replace(row, most_percent=_MOST_CUT[role]) for row in rows]
    for name, some in _parts(mine):
        rows += _share(f"  {name}", some, _cut)
    for outcome in (Outcome.HOLE, Outcome.DUCKED, Outcome.NOTHING):
        rows += _share(f"{role.value}: {outcome.value}", mine, _is(outcome), _METHODS[outcome])
    holes = [trial.hole_ms for trial in mine if trial.outcome is Outcome.HOLE]
    return [*rows, *measured(f"{role.value}: length of a hole", "ms", holes, "pause record -> resume record")]


def _yields(trials: Sequence[Judged], role: Role) -> list[AnyFigure]:
    mine = [trial for trial in trials if trial.trial.voice.role is role]
    rows = _share(f"{role.value}: yielded to", mine, _cut, _METHODS[Outcome.CUT])
    rows = [replace(row, least_percent=_LEAST_YIELDED[role]) for row in rows]
    for name, some in _parts(mine):
        rows += _share(f"  {name}", some, _cut)
    return [*rows]


def _floor(trials: Sequence[Judged]) -> list[AnyFigure]:
    """Give how the reply ends when somebody takes the floor."""
    tried = [trial for trial in trials if trial.trial.voice.role in INTERRUPTIONS]
    stops = [trial for trial in tried if trial.trial.stops]
    others = [trial for trial in tried if not trial.trial.stops]
    stutters = _share(
        "interruptions: stutters", tried, lambda trial: trial.stutter, "the reply went on, and was cut within 2 s"
    )
    silence = "onset by the manifest -> last sample of the recorded loudspeaker above 1 step, of those cut"
    commit = "onset by the manifest -> interrupt record"
    return [
        *(replace(row, most_percent=_MOST_STUTTERS) for row in stutters),
        *measured("onset -> pause", "ms", _values(tried, lambda one: one.pause_ms), "onset -> pause record"),
        *measured("onset -> silence", "ms", _values(tried, lambda one: one.silence_ms), silence),
        *measured(
            "onset -> commit", "ms", _values(others, lambda one: one.commit_ms), f"{commit}; no stop words", _COMMIT
        ),
        *measured("stop words: onset -> commit", "ms", _values(stops, lambda one: one.commit_ms), commit, _STOP_COMMIT),
        *_share(
            "stop words: acted on as such",
            [trial for trial in stops if trial.outcome is Outcome.CUT],
            lambda trial: trial.reason == "stop-word",
            "of those that cut the reply off; the others were answered",
        ),
    ]


def _words(cut: Sequence[Judged]) -> list[AnyFigure]:
    if not cut:
        return []
    method = "what was asked, or transcribed where nothing was, of those cut; capitals and punctuation do not count"
    words = sum(len(words_of(trial.trial.voice.words)) for trial in cut)
    return [
        *_share("first word of the interruption kept", cut, lambda trial: trial.first_word_kept, method),
        *_share("all words of the interruption right", cut, lambda trial: not trial.wrong_words, ""),
        WordErrors(
            "word errors", "words", [trial.wrong_words for trial in cut], "left out, put in or wrong", words=words
        ),
    ]


def _turns(turns: Sequence[Latencies]) -> list[AnyFigure]:
    def row(
        name: str, value: Callable[[Latencies], float | None], method: str, goals: Sequence[Goal] = ()
    ) -> list[AnyFigure]:
        return measured(name, "ms", [found for turn in turns if (found := value(turn)) is not None], method, goals)

    return [
        *row(
            "transcript after the end of the turn",
            lambda turn: turn.transcript,
            "stt-end record -> transcript record of the satellite; every line that was asked and answered",
            _TRANSCRIPT,
        ),
        *row(
            "end of speech -> first audio",
            lambda turn: turn.answer,
            "end by the manifest -> first sample of the reply above -60 dBFS at the recorded loudspeaker",
            _ANSWER,
        ),
        *row("  STT server", lambda turn: turn.stt, "took_s: end of the audio -> text"),
        *row(
            "  LLM and TTS",
            lambda turn: turn.sentence,
            "ask record -> reply-started record: the offline responder writes 12 words a second, and the first clause "
            "is spoken when it is written",
        ),
        *row("  LLM server", lambda turn: turn.llm, "took_s: question -> first word"),
        *row("  TTS server", lambda turn: turn.tts, "took_s: first clause -> first audio"),
    ]


def _parts(trials: Sequence[Judged]) -> list[tuple[str, list[Judged]]]:
    """Give the trials of each echo condition and of each kind, where there are several."""
    echoes = dict.fromkeys(trial.trial.echo for trial in trials)
    kinds = sorted({trial.trial.voice.kind for trial in trials})
    by_echo = [(f"echo {echo}", [trial for trial in trials if trial.trial.echo == echo]) for echo in echoes]
    by_kind = [(kind, [trial for trial in trials if trial.trial.voice.kind == kind]) for kind in kinds]
    return [part for parts in (by_echo, by_kind) if len(parts) > 1 for part in parts]


def _share(name: str, tried: Sequence[Judged], hit: Callable[[Judged], bool], method: str = "") -> list[Proportion]:
    return [Proportion(name, [hit(trial) for trial in tried], method)] if tried else []


def _values(trials: Iterable[Judged], value: Callable[[Judged], float | None]) -> list[float]:
    return [found for trial in trials if (found := value(trial)) is not None]


def _is(outcome: Outcome) -> Callable[[Judged], bool]:
    return lambda trial: trial.outcome is outcome


def _cut(trial: Judged) -> bool:
    return trial.outcome is Outcome.CUT
