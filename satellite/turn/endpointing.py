"""Endpointing: how long a silence ends the user's turn, by the words so far and by what we asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from interject.satellite.turn.dialogue_act import is_command
from interject.satellite.turn.lexicon import words_of
from interject.satellite.turn.settings import Endpointing

if TYPE_CHECKING:
    from interject.satellite.turn.settings import TurnSettings
    from interject.satellite.turn.state import State

# "Turn on the light", "what time is it": with fewer words a command seldom says what is to be done.
_LEAST_COMMAND_WORDS = 3
# "Yes, please", "the kitchen light": who says more than that to a question explains.
_MOST_ANSWER_WORDS = 3


class EndRule(Enum):
    """What the end of a turn was judged by; the value stands in records."""

    # Nothing is known of the words, or they tell nothing.
    SILENCE = "silence"
    # The last word asks for another one.
    UNFINISHED = "unfinished"
    # A whole command or question.
    COMMAND = "command"
    # A short answer to what we asked.
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The silence after the user's voice that ends the turn, and by which rule."""

    rule: EndRule
    silence_ms: float


def endpoint(state: State, settings: TurnSettings) -> Endpoint:
    """Judge the turn so far; never ending, where that is for Home Assistant to say."""
    match settings.endpointing:
        case Endpointing.HOME_ASSISTANT:
            return Endpoint(EndRule.SILENCE, math.inf)
        case Endpointing.SILENCE:
            return Endpoint(EndRule.SILENCE, settings.endpoint_silence_ms)
        case Endpointing.EVIDENCE:
            rule = _rule(text_so_far(state), state, settings)
            return Endpoint(rule, _silence_ms(rule, settings))


def text_so_far(state: State) -> str:
    """Return the words of the user's turn that are known."""
    return " ".join(segment.text.strip() for segment in state.segments if segment.text.strip())


def _rule(text: str, state: State, settings: TurnSettings) -> EndRule:
    words, lexicon = words_of(text), settings.lexicon
    if not words:
        return EndRule.SILENCE
    if words[-1] in lexicon.unfinished:
        return EndRule.UNFINISHED
    if words[-1] in lexicon.numbers or words[-1].isdecimal():
        return EndRule.SILENCE
    if len(words) >= _LEAST_COMMAND_WORDS and is_command(text, lexicon):
        return EndRule.COMMAND
    return EndRule.ANSWER if state.question and len(words) <= _MOST_ANSWER_WORDS else EndRule.SILENCE


def _silence_ms(rule: EndRule, settings: TurnSettings) -> float:
    match rule:
        case EndRule.UNFINISHED:
            return max(settings.endpoint_unfinished_ms, settings.endpoint_silence_ms)
        case EndRule.COMMAND | EndRule.ANSWER:
            return min(settings.endpoint_complete_ms, settings.endpoint_silence_ms)
        case EndRule.SILENCE:
            return settings.endpoint_silence_ms


def finished_at(state: State, settings: TurnSettings) -> float:
    """Return when the turn is over unless the user speaks on (seconds).

    The end of the last voiced window comes a little after the voice.
    """
    silence_ms = endpoint(state, settings).silence_ms
    return state.utterance.last_voice_s + (silence_ms - settings.vad_release_ms) / 1000
