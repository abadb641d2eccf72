"""The conversation through Home Assistant, as one function of what was and what happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from satellite.pipelines.home_assistant import answers, messages, speech, turn, watchdogs
from satellite.pipelines.home_assistant.runs import begin
from satellite.pipelines.home_assistant.state import Outcome, Policy, Start, State, WakeIn, new_run, then
from satellite.pipelines.home_assistant.watchdogs import deadline

__all__ = ["deadline", "step"]

Handler = Callable[[State, Any, float, Policy], Outcome]

_HANDLERS: dict[type[messages.Event], Handler] = {
    messages.Opened: turn.opened,
    messages.Ended: turn.ended,
    messages.Aborted: turn.aborted,
    messages.Asked: turn.asked,
    messages.Cancelled: turn.cancelled,
    messages.Played: turn.played,
    messages.Woken: turn.woken,
    messages.OwnText: turn.own_text,
    messages.OwnTextTold: turn.own_text_told,
    messages.OwnFailed: turn.own_failed,
    messages.Connected: answers.connected,
    messages.Lost: answers.lost,
    messages.Transcribing: answers.transcribing,
    messages.VoiceStarted: answers.voice_started,
    messages.VoiceStopped: answers.voice_stopped,
    messages.Transcribed: answers.transcribed,
    messages.TextTold: answers.text_told,
    messages.Synthesized: answers.synthesized,
    messages.Failed: answers.failed,
    messages.WordDetected: answers.word_detected,
    messages.Announced: answers.announced,
    messages.SpeechStarted: speech.speech_started,
    messages.Speech: speech.speech,
    messages.SpeechStopped: speech.speech_stopped,
    messages.Tick: watchdogs.tick,
}


def step(state: State, event: messages.Event, now: float, policy: Policy) -> Outcome:
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
