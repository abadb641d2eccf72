"""The conversation through Home Assistant, as one function of what was and what happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from interject.satellite.transports.assist import answers, events, turn, watchdogs
from interject.satellite.transports.assist.runs import begin
from interject.satellite.transports.assist.state import Outcome, Policy, Start, State, WakeIn, new_run, then
from interject.satellite.transports.assist.watchdogs import deadline

__all__ = ["deadline", "step"]

E = TypeVar("E", bound=events.Event)
Handler = Callable[[State, E, float, Policy], Outcome]


def _on(event: type[E], handler: Handler[E]) -> tuple[type[events.Event], Handler[events.Event]]:
    """Bind a handler to the only class of events that it is given."""
    return cast("type[events.Event]", event), cast("Handler[events.Event]", handler)


_HANDLERS = dict(
    (
        _on(events.Opened, turn.opened),
        _on(events.Ended, turn.ended),
        _on(events.Aborted, turn.aborted),
        _on(events.Asked, turn.asked),
        _on(events.Dropped, turn.dropped),
        _on(events.Cancelled, turn.cancelled),
        _on(events.Played, turn.played),
        _on(events.Woken, turn.woken),
        _on(events.OwnText, turn.own_text),
        _on(events.OwnFailed, turn.own_failed),
        _on(events.Connected, answers.connected),
        _on(events.Lost, answers.lost),
        _on(events.Transcribing, answers.transcribing),
        _on(events.VoiceStarted, answers.voice_started),
        _on(events.VoiceStopped, answers.voice_stopped),
        _on(events.Transcribed, answers.transcribed),
        _on(events.Synthesized, answers.synthesized),
        _on(events.Failed, answers.failed),
        _on(events.WordDetected, answers.word_detected),
        _on(events.Unpaused, answers.unpaused),
        _on(events.Announced, answers.announced),
        _on(events.SpeechStarted, answers.speech_started),
        _on(events.Speech, answers.speech),
        _on(events.SpeechStopped, answers.speech_stopped),
        _on(events.Tick, watchdogs.tick),
    )
)


def step(state: State, event: events.Event, now: float, policy: Policy) -> Outcome:
    """Apply an event at `now` (seconds of the event loop's clock): the next state, and what is to be done, in order.

    What belongs to nothing that is under way changes nothing.
    """
    stepped, effects = _HANDLERS[type(event)](state, event, now, policy)
    return then(effects, _listen_for_wake_word(stepped, now, policy))


def _listen_for_wake_word(state: State, now: float, policy: Policy) -> Outcome:
    idle = state.connected and state.run is None and state.null_until is None and not state.pieces
    if policy.wake is not WakeIn.HOME_ASSISTANT or not idle or state.wake_after is not None:
        return state, ()
    fresh, run = new_run(state, start=Start.WAKE_WORD)
    return begin(fresh, run, now)
