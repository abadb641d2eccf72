"""From what was seen in a scene to figures; each says how it was measured."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tools.bench.report import Figure, Goal, Share
from tools.home_assistant.scenes import Ends
from tools.home_assistant.wire_runs import VALIDATION_ERROR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tools.home_assistant.turns import JudgedScene, Turn

_MS = 1000.0
# What is lost with a process that was killed, or heard by nobody, has no latency.
_NO_TURNS = {Ends.LOST, Ends.NOT_HEARD}
# A voice ends where it is last within 40 dB of its peak.
_VOICE_SHARE = 0.01

COMMIT_TO_TRANSCRIBE = "commit → transcribe, ms"
NULL_RUN_ANSWERED = "null run → validation-error, ms"
ONSET_TO_SILENCE = "voice → loudspeaker silent, ms"
PAUSE_TO_SILENCE = "pause → loudspeaker silent, ms"
END_TO_AUDIO = "end of speech → first audio, ms"
STALE_CHUNKS = "stale chunks received"
STALE_SAMPLES = "stale samples played"
FIRST_WORD = "first word in STT audio, %"

METHODS = {
    COMMIT_TO_TRANSCRIBE: "the satellite's `interrupt` record → `transcribe` at the proxy",
    NULL_RUN_ANSWERED: "run-pipeline from text to text → its error, both at the proxy",
    ONSET_TO_SILENCE: "first sound of the voice in the room → last sound of the recorded loudspeaker, fade included",
    PAUSE_TO_SILENCE: "the satellite's `pause` record → last sound of the recorded loudspeaker",
    END_TO_AUDIO: "last sound of the voice in the room → first sound of the recorded loudspeaker, all engines included",
    STALE_CHUNKS: "chunks at the proxy, after a commit, of streams that had begun before it",
    STALE_SAMPLES: "frames that sound after a commit and are not those of the new reply as the TTS server spoke it, "
    "sample by sample",
    FIRST_WORD: "the clip is found in what Home Assistant sent to STT, its first sound included",
}

# What an interruption through Home Assistant may take: the silence as in direct mode, the commit as long as Home
# Assistant 2026.11 needs to begin a run.
GOALS = {
    COMMIT_TO_TRANSCRIBE: (Goal(90, 50),),
    ONSET_TO_SILENCE: (Goal(50, 400), Goal(90, 500)),
    STALE_SAMPLES: (Goal(99, 0),),
}
_FIRST_WORD_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a scene: what was measured, one a trial."""

    name: str
    values: Sequence[float]

    def percentile(self, percent: int) -> float:
        """Return a value that was measured, the higher one where a percentile falls between two."""
        return float(np.percentile(self.values, percent, method="higher"))

    def cell(self) -> str:
        """Return it as the table has it: a share, a sum, or P50/P90."""
        if not self.values:
            return ""
        if self.name == FIRST_WORD:
            return f"{100 * sum(self.values) / len(self.values):.0f} ({len(self.values)})"
        if self.name in {STALE_CHUNKS, STALE_SAMPLES}:
            return f"{sum(self.values):.0f}"
        if len(self.values) == 1:
            return f"{self.values[0]:.0f}"
        return f"{self.percentile(50):.0f} / {self.percentile(90):.0f}"


def columns_of(play: JudgedScene) -> list[Column]:
    """Measure a scene."""
    turns = [turn for turn in play.turns if turn.saying.ends not in _NO_TURNS]
    cuts = [turn for turn in turns if turn.cut is not None]
    return [
        Column(COMMIT_TO_TRANSCRIBE, list(_commit_to_transcribe(play, cuts))),
        Column(NULL_RUN_ANSWERED, list(_null_runs(play))),
        Column(ONSET_TO_SILENCE, [(t.fell_silent - t.said.onset) * _MS for t in cuts if t.fell_silent is not None]),
        Column(PAUSE_TO_SILENCE, list(_pause_to_silence(cuts))),
        Column(END_TO_AUDIO, list(_end_to_audio(turns))),
        Column(STALE_CHUNKS, [turn.stale_chunks for turn in cuts]),
        Column(STALE_SAMPLES, [turn.stale_frames for turn in cuts if turn.stale_frames is not None]),
        Column(FIRST_WORD, [turn.missing_s == 0.0 for turn in turns if turn.run is not None]),
    ]


def merged(plays: Iterable[Sequence[Column]]) -> list[Column]:
    """Put the trials of several scenes together."""
    together: dict[str, list[float]] = {}
    for columns in plays:
        for column in columns:
            together.setdefault(column.name, []).extend(column.values)
    return [Column(name, values) for name, values in together.items()]


def as_figures(columns: Iterable[Column]) -> list[Figure | Share]:
    """Return what was measured as figures with their goals."""
    return [
        Share(column.name, [bool(value) for value in column.values], METHODS[column.name], _FIRST_WORD_PERCENT)
        if column.name == FIRST_WORD
        else Figure(column.name, "", column.values, METHODS[column.name], GOALS.get(column.name, ()))
        for column in columns
        if column.values
    ]


def _commit_to_transcribe(play: JudgedScene, cuts: Sequence[Turn]) -> Iterable[float]:
    for turn in cuts:
        cut = turn.cut["mono"] if turn.cut else 0.0
        listens = play.evidence.passed("satellite", "transcribe", cut, from_home=True)
        if listens:
            yield (listens[0].mono - cut) * _MS


def _null_runs(play: JudgedScene) -> Iterable[float]:
    for run in play.runs:
        answered = run.at("error")
        if run.null and answered is not None and VALIDATION_ERROR in run.errors:
            yield (answered - run.asked) * _MS


def _pause_to_silence(cuts: Sequence[Turn]) -> Iterable[float]:
    for turn in cuts:
        if turn.pause is not None and turn.fell_silent is not None:
            yield max(0.0, turn.fell_silent - turn.pause["mono"]) * _MS


def _end_to_audio(turns: Sequence[Turn]) -> Iterable[float]:
    for turn in turns:
        if turn.sounds is not None and turn.run is not None and turn.run.transcript is not None:
            yield (turn.sounds - (turn.said.end - _silence_at_end_s(turn.saying.line.clip))) * _MS


def _silence_at_end_s(clip: Path) -> float:
    with wave.open(str(clip), "rb") as file:
        samples = np.abs(np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int32))
        loud = np.flatnonzero(samples >= samples.max() * _VOICE_SHARE)
        return float(len(samples) - 1 - int(loud[-1])) / file.getframerate()
