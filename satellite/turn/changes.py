"""What a step means whatever rule took it: a phase or an utterance began or ended, a reply is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.satellite.turn.events import (
    AwaitWakeWord,
    EmptyBargeIn,
    PhaseChanged,
    ReplyOver,
    Tick,
    Transcribed,
    TurnDropped,
    TurnEndedCue,
    VoiceBegan,
    VoiceEnded,
    VoiceWindow,
)
from interject.satellite.turn.settings import TurnStart
from interject.satellite.turn.state import Kind, Origin, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.satellite.turn.events import Effect, Event
    from interject.satellite.turn.settings import TurnSettings
    from interject.satellite.turn.state import State


_USER_HAS_FLOOR = frozenset({Phase.LISTENING, Phase.TRANSCRIBING})


def begun(before: State, after: State, settings: TurnSettings) -> Iterator[Effect]:
    """Tell what has begun with a step: it goes before what the step asks for."""
    onset_s = after.utterance.onset_s
    if after.utterance.triggered and not before.utterance.triggered and onset_s is not None:
        yield VoiceBegan(onset_s)
    elif before.utterance.triggered and not after.utterance.triggered:
        yield VoiceEnded()
    if after.phase is before.phase:
        return
    yield PhaseChanged(before.phase, after.phase)
    question = after.reply is None or after.reply.kind is Kind.REPLY
    if before.phase is Phase.LISTENING and after.phase in {Phase.TRANSCRIBING, Phase.THINKING} and question:
        yield TurnEndedCue()
    if after.phase is Phase.IDLE and settings.turn_start is TurnStart.WAKE_WORD:
        yield AwaitWakeWord()


def ended(before: State, after: State, event: Event) -> Iterator[Effect]:
    """Tell what has ended with a step: it comes after what the step asks for."""
    if before.origin is Origin.BARGE_IN and after.phase is Phase.IDLE and _without_words(before, event):
        yield EmptyBargeIn()
    if before.phase in _USER_HAS_FLOOR and after.phase is Phase.IDLE:
        yield TurnDropped()
    if before.live and not (after.live and after.epoch == before.epoch):
        yield ReplyOver(before.epoch)


def _without_words(turn: State, end: Event) -> bool:
    """Tell whether a turn that this event ended had no words: a "stop" has some, and what failed may have had some."""
    words = [segment.text for segment in turn.segments]
    if isinstance(end, Transcribed):
        words.append(end.text)
    return isinstance(end, Transcribed | VoiceWindow | Tick) and not any(text.strip() for text in words)
