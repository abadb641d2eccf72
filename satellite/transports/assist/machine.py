"""The conversation through Home Assistant, as one function of what was and what happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interject.satellite.transports.assist import answers, events, speech, turn, watchdogs
from interject.satellite.transports.assist.runs import begin
from interject.satellite.transports.assist.state import Outcome, Policy, Start, State, WakeIn, new_run, then
from interject.satellite.transports.assist.watchdogs import deadline

__all__ = ["deadline", "step"]

Handler = Callable[[State, Any, float, Policy], Outcome]

_HANDLERS: dict[type[events.Event], Handler] = {
    events.Opened: turn.opened,
    events.Ended: turn.ended,
    events.Aborted: turn.aborted,
    events.Asked: turn.asked,
    events.Dropped: turn.dropped,
    events.Cancelled: turn.cancelled,
    events.Played: turn.played,
    events.Woken: turn.woken,
    events.OwnText: turn.own_text,
    events.OwnFailed: turn.own_failed,
    events.Connected: answers.connected,
    events.Lost: answers.lost,
    events.Transcribing: answers.transcribing,
    events.VoiceStarted: answers.voice_started,
    events.VoiceStopped: answers.voice_stopped,
    events.Transcribed: answers.transcribed,
    events.Synthesized: answers.synthesized,
    events.Failed: answers.failed,
    events.WordDetected: answers.word_detected,
    events.Unpaused: answers.unpaused,
    events.Announced: answers.announced,
    events.SpeechStarted: speech.speech_started,
    events.Speech: speech.speech,
    events.SpeechStopped: speech.speech_stopped,
    events.Tick: watchdogs.tick,
}


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
