"""Does the detector's memory want to be reset, after a long silence or where sound is missing?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from satellite.hearing.vad import WINDOW_SAMPLES
from script.support.sweep.ears import AS_SHIPPED, Ear
from script.support.sweep.score import NEVER, ms, percent
from script.support.sweep.table import table
from tests.room.casting import make_scene
from tests.room.levels import RATE_HZ, frames_of
from tests.room.staging import set_stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from script.support.sweep.takes import Take
    from tests.room.corpus import Corpus
    from tests.room.levels import Signal

# What a detector has heard before the question: nothing, and up to five minutes of the room's noise.
_BEFORE_S = (0.0, 1.0, 30.0, 300.0)
_LOST_MS = (20.0, 100.0, 1000.0)
_THRESHOLD = 0.5
_BLOCK = 160


class _Memory(Enum):
    """What becomes of the detector's memory where sound was lost."""

    KEPT = "kept"
    RESET = "reset"


def report(takes: Sequence[Take], corpus: Corpus) -> str:
    """Give the tables."""
    rooms = [_silent_room(take, corpus) for take in takes]
    after = {before_s: [_onset_s(room, before_s) for room in rooms] for before_s in _BEFORE_S}
    return table(
        "the question, after so much of the room's noise: Silero over 0.5 twice in a row",
        ("noise before, s", "trials", "heard %", "P50 ms", "P90", "most in noise"),
        [
            (
                f"{before_s:g}",
                float(len(found)),
                percent([np.isfinite(onset_s) for onset_s, _ in found]),
                *(ms([onset_s for onset_s, _ in found], at) for at in (50, 90)),
                f"{max(most for _, most in found):.2f}",
            )
            for before_s, found in after.items()
        ],
    ) + table(
        "sound that is lost in the middle of noise, and of the question: windows over 0.5 of the second after it, %",
        ("lost, ms", "in noise", "in noise, reset", "in speech", "in speech, reset", "in speech, none lost"),
        [(f"{lost_ms:g}", *_after_loss(rooms, lost_ms)) for lost_ms in _LOST_MS],
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Room:
    """A room in which nothing is played: one period of its noise, and the question from its onset to its end."""

    noise: Signal
    question: Signal


def _probabilities(ear: Ear, signal: Signal) -> Signal:
    heard = (ear.hear(signal[start : start + _BLOCK]) for start in range(0, len(signal) - _BLOCK + 1, _BLOCK))
    return np.array([found[0] for found in heard if found is not None], np.float32)


def _silent_room(take: Take, corpus: Corpus) -> _Room:
    stage = set_stage(make_scene(take.kind, take.seed, corpus, take.wishes), corpus)
    label = stage.labels[0]
    noisy = stage.people[: label.end_frame] + np.resize(stage.noise, label.end_frame)
    return _Room(stage.noise, noisy[label.start_frame :])


def _onset_s(room: _Room, before_s: float) -> tuple[float, float]:
    """Give the seconds from the question's onset to two windows of speech, and the highest probability before it."""
    ear = Ear(AS_SHIPPED)
    before = _probabilities(ear, np.resize(room.noise, frames_of(before_s) // WINDOW_SAMPLES * WINDOW_SAMPLES))
    over = _probabilities(ear, room.question) >= _THRESHOLD
    both = np.flatnonzero(over[1:] & over[:-1])
    onset_s = float(both[0] + 2) * WINDOW_SAMPLES / RATE_HZ if len(both) else NEVER
    return onset_s, float(before.max(initial=0.0))


def _after_loss(rooms: Sequence[_Room], lost_ms: float) -> tuple[float, ...]:
    lost = frames_of(lost_ms / 1000)
    columns: list[list[bool]] = [[], [], [], [], []]
    for room in rooms:
        noise = np.resize(room.noise, 3 * RATE_HZ + lost)
        middle = len(room.question) // 3
        rest = room.question[middle : middle + RATE_HZ]
        # With none lost, what follows is heard where it is in the sentence.
        later = room.question[middle + lost : middle + lost + RATE_HZ]
        tries = (
            (noise[: 2 * RATE_HZ], noise[2 * RATE_HZ + lost :], _Memory.KEPT),
            (noise[: 2 * RATE_HZ], noise[2 * RATE_HZ + lost :], _Memory.RESET),
            (room.question[:middle], later, _Memory.KEPT),
            (room.question[:middle], later, _Memory.RESET),
            (room.question[:middle], rest, _Memory.KEPT),
        )
        for column, (first, second, memory) in zip(columns, tries, strict=True):
            ear = Ear(AS_SHIPPED)
            _probabilities(ear, first)
            if memory is _Memory.RESET:
                ear.forget()
            column.extend((_probabilities(ear, second) >= _THRESHOLD).tolist())
    return tuple(percent(column) for column in columns)
