"""What is said in the rooms of the benchmark: many interruptions, many backchannels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from tools.harness.scenarios import CLIPS, Line

if TYPE_CHECKING:
    from collections.abc import Sequence


class Kind(Enum):
    """What a line is in the benchmark."""

    QUESTION = "question"
    INTERRUPTION = "interruption"
    BACKCHANNEL = "backchannel"


@dataclass(frozen=True, slots=True)
class Cue:
    """One thing that the user says; `text` is what STT should make of it, empty where it does not matter."""

    kind: Kind
    line: Line
    text: str = ""


# What one takes in its room, from the clips and the offline responder's pace.
INTERRUPTION_S = 6.5
# All of them are answered at length by the offline responder, so that the next one finds something to interrupt.
_LONG = (
    ("count_to_twenty", "count to twenty"),
    ("about_a_lighthouse", "about a lighthouse"),
    ("turn_on_the_kitchen_light", "turn on the kitchen light"),
    ("tell_me_a_story", "tell me a story"),
    ("tell_me_a_long_story", "tell me a long story"),
)
_QUESTION = ("tell_me_a_long_story", "tell me a long story")
# The VAD and the noise suppression want a moment of room noise first.
_QUIET_S = 1.0
# Into the reply: from a few words to a sentence and more.
_FIRST_S, _LAST_S = 1.5, 5.0
# Steps of the golden ratio: every part of the range is visited evenly and in no order.
_GOLDEN = 0.618034
_BETWEEN_BACKCHANNELS_S = (1.6, 2.6)
# The story has room for more, a reply to a backchannel that was taken for a question not for many.
_BACKCHANNELS_A_STORY = 5


def question(trigger: str = "at_s", seconds: float = _QUIET_S) -> Cue:
    """Return the question that begins a room, or a story anew."""
    name, text = _QUESTION
    kind = Kind.QUESTION if trigger == "at_s" else Kind.INTERRUPTION
    return Cue(kind, Line(CLIPS / f"{name}.wav", trigger, seconds), text)


def interruptions(trials: int) -> list[Cue]:
    """Return a question and so many interruptions, each into the reply to the one before."""
    cues = [question()]
    for trial in range(trials):
        name, text = _LONG[trial % len(_LONG)]
        seconds = round(_FIRST_S + (_LAST_S - _FIRST_S) * (trial * _GOLDEN % 1.0), 3)
        cues.append(Cue(Kind.INTERRUPTION, Line(CLIPS / f"{name}.wav", "after_loudspeaker_s", seconds), text))
    return cues


def backchannels(trials: int) -> list[Cue]:
    """Return a story with so many backchannels, begun anew now and then."""
    first_s, last_s = _BETWEEN_BACKCHANNELS_S
    cues = [question()]
    for trial in range(trials):
        if trial and trial % _BACKCHANNELS_A_STORY == 0:
            cues.append(question("after_loudspeaker_s", first_s))
        seconds = round(first_s + (last_s - first_s) * (trial * _GOLDEN % 1.0), 3)
        cues.append(Cue(Kind.BACKCHANNEL, Line(CLIPS / "uh_huh.wav", "after_loudspeaker_s", seconds)))
    return cues


def after_a_standstill(cues: Sequence[Cue], said: int) -> list[Cue]:
    """Return what is left when only the first `said` of the cues could be said, begun anew with the question."""
    return [question(), *cues[max(said, 1) :]]
