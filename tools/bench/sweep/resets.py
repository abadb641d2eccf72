"""Does the detector's memory want to be made anew: in a long reply, after a long silence, where sound is missing?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.frontend.vad import DEFAULT_MEMORY, WINDOW_SAMPLES, Memory
from tools.bench.sweep.ears import AS_SHIPPED, Ear, Treatment
from tools.bench.sweep.rules import Guard, Rule
from tools.bench.sweep.score import NEVER, Outcome, heard_percent, ms, percent, score
from tools.bench.sweep.table import table
from tools.bench.sweep.takes import Take
from tools.simulator.casting import make_scene
from tools.simulator.levels import RATE_HZ, frames_of
from tools.simulator.scene import Kind
from tools.simulator.staging import set_stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.sweep.listening import Listened
    from tools.simulator.corpus import Corpus
    from tools.simulator.levels import Signal

# What a detector has heard before the question: nothing, and up to five minutes of the room's noise.
_BEFORE_S = (0.0, 1.0, 30.0, 300.0)
_LOST_MS = (20.0, 100.0, 1000.0)
_THRESHOLD = 0.5
# As long as a story; at these levels what is missed is missed by the detector.
_LONG_S = 80.0
_LONG_ECHO_DB = (5.0, 10.0, 15.0)
_KEPT = Memory(astray_windows=None)
# After 1, 2 and 4 s without speech, from nothing and from up to a second.
_MEMORIES = (_KEPT, *(Memory(astray, reheard) for astray in (32, 64, 128) for reheard in (0, 8, 16, 32)))
LONG_TREATMENTS = tuple(Treatment(AS_SHIPPED.strength, memory=memory) for memory in _MEMORIES)


class _AfterLoss(Enum):
    """What becomes of the detector's memory where sound was lost."""

    KEPT = "kept"
    RESET = "reset"


def long_takes(count: int, first_seed: int) -> tuple[Take, ...]:
    """Give takes with a long reply, into which somebody speaks again and again."""
    return tuple(
        Take(Kind.SHORT, first_seed + number, _LONG_ECHO_DB[number % len(_LONG_ECHO_DB)], seconds=_LONG_S)
        for number in range(count)
    )


def long_replies(takes: Sequence[Listened]) -> str:
    """Give the table of takes that were heard with all of LONG_TREATMENTS."""
    return table(
        f"long replies ({_LONG_S:g} s): who is heard in their first and second half, guard and threshold as shipped",
        (
            *("made anew after s", "from s", "hours", "false/h", "pauses/h", "users", "1st half %", "users"),
            *("2nd half %", "worst take %", "P50 ms", "P90"),
        ),
        [_long_row(takes, treatment) for treatment in LONG_TREATMENTS],
    )


def _long_row(takes: Sequence[Listened], treatment: Treatment) -> tuple[str | float, ...]:
    scored = score(takes, Rule(guard=Guard.SHIPPED, treatment=treatment))
    users = scored.interruptions()
    first = [one for one in users if _in_first_half(one)]
    second = [one for one in users if not _in_first_half(one)]
    by_take = [[one for one in second if one.listened is take] for take in takes]
    times = [one.trigger_s for one in users]
    astray, window_s = treatment.memory.astray_windows, WINDOW_SAMPLES / RATE_HZ
    return (
        "never" if astray is None else f"{astray * window_s:.2f}",
        "-" if astray is None else f"{treatment.memory.reheard_windows * window_s:.2f}",
        f"{scored.hours:.2f}",
        scored.triggers_per_hour(),
        scored.pauses_per_hour(),
        float(len(first)),
        heard_percent(first),
        float(len(second)),
        heard_percent(second),
        min((heard_percent(some) for some in by_take if some), default=float("nan")),
        *(ms(times, at) for at in (50, 90)),
    )


def _in_first_half(one: Outcome) -> bool:
    take = one.listened
    return one.sound.start < (take.reply_from + take.frames) / 2


def silences(takes: Sequence[Take], corpus: Corpus) -> str:
    """Give the tables of rooms in which nothing is played."""
    rooms = [_silent_room(take, corpus) for take in takes]
    after = {
        (memory, before_s): [_onset_s(room, before_s, memory) for room in rooms]
        for memory in (_KEPT, DEFAULT_MEMORY)
        for before_s in _BEFORE_S
    }
    return table(
        "the question, after so much of the room's noise: Silero over 0.5 twice in a row",
        ("memory, noise before in s", "trials", "heard %", "P50 ms", "P90", "most in noise"),
        [
            (
                f"{'kept' if memory == _KEPT else 'as shipped'}, {before_s:g}",
                float(len(found)),
                percent([np.isfinite(onset_s) for onset_s, _ in found]),
                *(ms([onset_s for onset_s, _ in found], at) for at in (50, 90)),
                f"{max(most for _, most in found):.2f}",
            )
            for (memory, before_s), found in after.items()
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
    heard = (
        ear.hear(signal[start : start + BLOCK_SAMPLES])
        for start in range(0, len(signal) - BLOCK_SAMPLES + 1, BLOCK_SAMPLES)
    )
    return np.array([found[0] for found in heard if found is not None], np.float32)


def _silent_room(take: Take, corpus: Corpus) -> _Room:
    stage = set_stage(make_scene(take.kind, take.seed, corpus, take.wishes), corpus)
    label = stage.labels[0]
    noisy = stage.people[: label.end_frame] + np.resize(stage.noise, label.end_frame)
    return _Room(stage.noise, noisy[label.start_frame :])


def _onset_s(room: _Room, before_s: float, memory: Memory) -> tuple[float, float]:
    """Give the seconds from the question's onset to two windows of speech, and the highest probability before it."""
    ear = Ear(Treatment(AS_SHIPPED.strength, memory=memory))
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
            (noise[: 2 * RATE_HZ], noise[2 * RATE_HZ + lost :], _AfterLoss.KEPT),
            (noise[: 2 * RATE_HZ], noise[2 * RATE_HZ + lost :], _AfterLoss.RESET),
            (room.question[:middle], later, _AfterLoss.KEPT),
            (room.question[:middle], later, _AfterLoss.RESET),
            (room.question[:middle], rest, _AfterLoss.KEPT),
        )
        for column, (first, second, memory) in zip(columns, tries, strict=True):
            ear = Ear(LONG_TREATMENTS[0])
            _probabilities(ear, first)
            if memory is _AfterLoss.RESET:
                ear.forget()
            column.extend((_probabilities(ear, second) >= _THRESHOLD).tolist())
    return tuple(percent(column) for column in columns)
