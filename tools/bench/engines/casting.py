"""Which clip is said when: trials dealt evenly, and arranged into rooms in which each finds a reply to break into."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.turn.dialogue_act import DialogueAct, dialogue_act
from tools.bench.engines.voices import INTERRUPTIONS, Role, question_voice
from tools.bench.scenes import Cue, Kind, question
from tools.harness.scenarios import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.engines.voices import Voice

# Into the reply, since what was said last: from a few words to a sentence.
_FIRST_S, _LAST_S = 1.2, 2.2
# In a new room the canceller learns the echo first.
_LEARNING_S = 4.0
# Steps of the golden ratio: every part of the range is visited evenly and in no order.
_GOLDEN = 0.618034
# Sounds that a story hears before somebody takes the floor, and how often it is taken: with 300 of them to 200
# interruptions it comes out even, and a story is long enough. A reply to an interruption is one to break into, too.
_LISTENED, _ANSWERED = 4, 2
# After the last interruption of a story the next one is asked for, whatever became of it: a stop leaves silence, others
# a reply that has begun by then.
_AFTER_STOP_S = 2.5
_AFTER_QUESTION_S = 4.5
# What one takes in its room: a question with its silence and its answer's latency, the way into a reply.
_QUESTION_S, _GAP_S = 8.5, 1.7
_ANSWERED_S, _VERDICT_S = 2.2, 1.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A clip that is said into a reply, in one of the echo conditions."""

    number: int
    echo: str
    voice: Voice

    @property
    def stops(self) -> bool:
        """Whether it asks for silence, so that no reply follows it."""
        return self.voice.role in INTERRUPTIONS and dialogue_act(self.voice.words) is DialogueAct.STOP


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line of a room's script, and who says it: a trial, or the question for a story (None)."""

    cue: Cue
    voice: Voice
    trial: Trial | None = None


def deal(voices: Sequence[Voice], interruptions: int, echoes: Sequence[str], seed: int) -> list[Trial]:
    """Deal so many interruptions, half of them single words, as many backchannels and half as many noises.

    Each echo condition gets the same share; every clip of a role is dealt as often as the others, or once more. Clips
    of other kinds are dealt once each at most. A role without clips gets no trial.
    """
    others = sum(voice.role is Role.OTHER for voice in voices)
    counts = {
        Role.SENTENCE: interruptions - interruptions // 2,
        Role.WORD: interruptions // 2,
        Role.BACKCHANNEL: interruptions,
        Role.NOISE: interruptions // 2,
        Role.OTHER: min(others, interruptions // 2),
    }
    generator = np.random.default_rng(seed)
    trials: list[Trial] = []
    for role, count in counts.items():
        of_role = [voice for voice in voices if voice.role is role]
        for place, echo in enumerate(echoes):
            mine = count * (place + 1) // len(echoes) - count * place // len(echoes)
            order: list[Voice] = []
            while of_role and len(order) < mine:
                order += [of_role[index] for index in generator.permutation(len(of_role))]
            trials += [Trial(len(trials) + number, echo, voice) for number, voice in enumerate(order[:mine])]
    return trials


def rooms_of(trials: Sequence[Trial], most: int, seed: int) -> list[list[Trial]]:
    """Divide trials among rooms of at most so many, in which all kinds are mixed."""
    mixed = _mixed(trials, seed)
    return [mixed[first : first + most] for first in range(0, len(mixed), most)]


def arrange(trials: Sequence[Trial], seed: int) -> list[Spoken]:
    """Arrange trials into stories: a question, some sounds that are listened to, some interruptions."""
    mixed = _mixed(trials, seed)
    listened = deque(trial for trial in mixed if trial.voice.role not in INTERRUPTIONS)
    stops = deque(trial for trial in mixed if trial.stops)
    others = deque(trial for trial in mixed if trial.voice.role in INTERRUPTIONS and not trial.stops)
    spoken = [_asked(question())]
    while listened or stops or others:
        story = [listened.popleft() for _ in range(min(_LISTENED, len(listened)))]
        story += [others.popleft() for _ in range(min(_ANSWERED, len(others)))]
        last = stops or others
        story += [last.popleft() for _ in range(min(1, len(last)))]
        spoken += [Spoken(_cue(trial), trial.voice, trial) for trial in story]
        if listened or stops or others:
            wait_s = _AFTER_STOP_S if story[-1].stops else _AFTER_QUESTION_S
            spoken.append(_asked(question("after_clip_s", wait_s)))
    return [spoken[0], *_after_learning(spoken[1:])]


def seconds_of(spoken: Sequence[Spoken]) -> float:
    """Estimate how long a room takes."""
    seconds = 0.0
    for line in spoken:
        if line.trial is None:
            seconds += _QUESTION_S
            continue
        answered = line.trial.voice.role in INTERRUPTIONS and not line.trial.stops
        seconds += _GAP_S + line.trial.voice.end_s + (_ANSWERED_S if answered else _VERDICT_S)
    return seconds


def _mixed(trials: Sequence[Trial], seed: int) -> list[Trial]:
    return [trials[index] for index in np.random.default_rng(seed).permutation(len(trials))]


def _asked(cue: Cue) -> Spoken:
    voice = question_voice()
    return Spoken(replace(cue, line=replace(cue.line, gain_db=voice.gain_db)), voice)


def _cue(trial: Trial) -> Cue:
    seconds = round(_FIRST_S + (_LAST_S - _FIRST_S) * (trial.number * _GOLDEN % 1.0), 3)
    kind = Kind.INTERRUPTION if trial.voice.role in INTERRUPTIONS else Kind.BACKCHANNEL
    line = Line(trial.voice.path, "after_loudspeaker_s", seconds, trial.voice.gain_db)
    return Cue(kind, line, trial.voice.words)


def _after_learning(spoken: Sequence[Spoken]) -> list[Spoken]:
    if not spoken or spoken[0].trial is None:
        return list(spoken)
    first = spoken[0].cue
    return [replace(spoken[0], cue=replace(first, line=replace(first.line, seconds=_LEARNING_S))), *spoken[1:]]
