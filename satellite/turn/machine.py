"""The turn machine: a transition table, and the one function that applies it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from interject.satellite.turn import announcements, bargein, endpoint, keywords, listening
from interject.satellite.turn.events import (
    Announced,
    Event,
    ListenNow,
    Muted,
    Partial,
    ReplyFailed,
    ReplyPlayed,
    ReplyStarted,
    ReplyText,
    StopNow,
    StopWord,
    SttFailed,
    Tick,
    TimerFinished,
    Transcribed,
    Typed,
    VoiceWindow,
    WakeWord,
)
from interject.satellite.turn.evidence import update
from interject.satellite.turn.segments import Outcome
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Phase, State

Handler = Callable[[State, Any, float, TurnSettings], Outcome]


@dataclass(frozen=True, slots=True)
class Row:
    """What an event does in a phase, and the phases that it may lead to besides staying."""

    handler: Handler
    to: tuple[Phase, ...] = ()


def _by_life(waiting: Handler, live: Handler) -> Handler:
    """PROCESSING awaits either the text of the question or the reply to it."""

    def handle(state: State, event: Event, now: float, settings: TurnSettings) -> Outcome:
        return (live if state.live else waiting)(state, event, now, settings)

    handle.__doc__ = f"Before the question is asked: {waiting.__doc__} After it: {live.__doc__}"
    return handle


_I, _L, _P, _S, _X = Phase.IDLE, Phase.LISTENING, Phase.PROCESSING, Phase.SPEAKING, Phase.INTERRUPTED

TRANSITIONS: dict[tuple[Phase, type[Event]], Row] = {
    (_I, VoiceWindow): Row(listening.idle_voice, (_L,)),
    (_I, Tick): Row(announcements.ring_if_due, (_P,)),
    (_I, Typed): Row(listening.typed, (_P,)),
    (_I, WakeWord): Row(keywords.wake, (_L,)),
    (_I, ListenNow): Row(keywords.listen_now, (_L,)),
    (_I, Announced): Row(announcements.announced, (_P,)),
    (_I, TimerFinished): Row(announcements.ring, (_P,)),
    (_L, VoiceWindow): Row(listening.listening_time, (_P, _I)),
    (_L, Tick): Row(listening.listening_time, (_P, _I)),
    (_L, Typed): Row(listening.typed, (_P, _I)),
    (_L, Partial): Row(listening.stt_partial),
    (_L, Transcribed): Row(listening.stt_final, (_P, _I)),
    (_L, SttFailed): Row(listening.stt_failed, (_I,)),
    (_L, WakeWord): Row(keywords.wake),
    (_L, StopWord): Row(keywords.stop_turn, (_I,)),
    (_L, ListenNow): Row(keywords.listen_now),
    (_L, StopNow): Row(keywords.stop_now, (_I,)),
    (_L, Announced): Row(announcements.announced, (_P,)),
    (_L, TimerFinished): Row(announcements.ring_later),
    (_L, Muted): Row(announcements.muted_turn, (_I,)),
    (_P, VoiceWindow): Row(_by_life(listening.processing_time, bargein.on_time), (_L, _I)),
    (_P, Tick): Row(_by_life(listening.processing_time, bargein.on_time), (_L, _I)),
    (_P, Typed): Row(_by_life(listening.typed, bargein.typed), (_I,)),
    (_P, Partial): Row(_by_life(listening.stt_partial, bargein.stt_partial), (_L,)),
    (_P, Transcribed): Row(_by_life(listening.stt_final, bargein.stt_final), (_L, _I)),
    (_P, SttFailed): Row(_by_life(listening.stt_failed, bargein.stt_failed), (_I,)),
    (_P, WakeWord): Row(_by_life(keywords.wake, keywords.wake_into_reply), (_L,)),
    (_P, StopWord): Row(_by_life(keywords.stop_turn, keywords.stop_reply), (_I,)),
    (_P, ListenNow): Row(keywords.listen_now, (_L,)),
    (_P, StopNow): Row(keywords.stop_now, (_I,)),
    (_P, Announced): Row(announcements.announced),
    (_P, TimerFinished): Row(announcements.ring_later),
    (_P, Muted): Row(_by_life(announcements.muted_turn, announcements.muted_reply), (_I,)),
    (_P, ReplyText): Row(bargein.reply_text),
    (_P, ReplyStarted): Row(bargein.reply_started, (_S, _X)),
    (_P, ReplyPlayed): Row(bargein.reply_played, (_L, _I)),
    (_P, ReplyFailed): Row(bargein.reply_failed, (_L, _I)),
    (_S, VoiceWindow): Row(bargein.on_time, (_X, _L, _I)),
    (_S, Tick): Row(bargein.on_time, (_X, _L, _I)),
    (_S, Typed): Row(bargein.typed, (_P, _I)),
    (_S, Partial): Row(bargein.stt_partial, (_L,)),
    (_S, Transcribed): Row(bargein.stt_final, (_L,)),
    (_S, SttFailed): Row(bargein.stt_failed),
    (_S, WakeWord): Row(keywords.wake_into_reply, (_L,)),
    (_S, StopWord): Row(keywords.stop_reply, (_I,)),
    (_S, ListenNow): Row(keywords.listen_now, (_L,)),
    (_S, StopNow): Row(keywords.stop_now, (_I,)),
    (_S, Announced): Row(announcements.announced, (_P,)),
    (_S, TimerFinished): Row(announcements.ring_later),
    (_S, Muted): Row(announcements.muted_reply),
    (_S, ReplyText): Row(bargein.reply_text),
    (_S, ReplyPlayed): Row(bargein.reply_played, (_L, _P, _I)),
    (_S, ReplyFailed): Row(bargein.reply_failed),
    (_X, VoiceWindow): Row(bargein.on_time, (_S, _L, _I)),
    (_X, Tick): Row(bargein.on_time, (_S, _L, _I)),
    (_X, Typed): Row(bargein.typed, (_P, _I)),
    (_X, Partial): Row(bargein.stt_partial, (_L,)),
    (_X, Transcribed): Row(bargein.stt_final, (_S, _L)),
    (_X, SttFailed): Row(bargein.stt_failed, (_S,)),
    (_X, WakeWord): Row(keywords.wake_into_reply, (_L,)),
    (_X, StopWord): Row(keywords.stop_reply, (_I,)),
    (_X, ListenNow): Row(keywords.listen_now, (_L,)),
    (_X, StopNow): Row(keywords.stop_now, (_I,)),
    (_X, Announced): Row(announcements.announced, (_P,)),
    (_X, TimerFinished): Row(announcements.ring_later),
    (_X, Muted): Row(announcements.muted_reply, (_S,)),
    (_X, ReplyText): Row(bargein.reply_text),
    (_X, ReplyPlayed): Row(bargein.reply_played, (_L, _P, _I)),
    (_X, ReplyFailed): Row(bargein.reply_failed),
}


def step(state: State, event: Event, now: float, settings: TurnSettings) -> Outcome:
    """Apply an event at `now` (seconds of the device's clock): the next state, and what is to be done, in order.

    What belongs to another epoch than the live reply's, or to no row of the table, changes nothing.
    """
    if isinstance(event, ReplyText | ReplyStarted | ReplyPlayed | ReplyFailed) and (
        not state.live or event.epoch != state.epoch
    ):
        return state, ()
    if isinstance(event, VoiceWindow):
        state = _with_evidence(state, event, now, settings)
    row = TRANSITIONS.get((state.phase, type(event)))
    return (state, ()) if row is None else row.handler(state, event, now, settings)


def _with_evidence(state: State, event: VoiceWindow, now: float, settings: TurnSettings) -> State:
    evidence = update(state.evidence, event, now, state.phase, settings)
    if evidence is state.evidence:
        return state
    gained_ms = max(0.0, evidence.speech_ms - state.evidence.speech_ms)
    noted = replace(state, evidence=evidence)
    segment = noted.open_segment
    if segment is None or not gained_ms:
        return noted
    spoken = replace(segment, speech_ms=segment.speech_ms + gained_ms, voice=segment.voice.with_window(event))
    return noted.with_segment(spoken)


def deadline(state: State, settings: TurnSettings) -> float | None:
    """Return when a Tick is due, in seconds of the device's clock; None while nothing can happen by itself."""
    if state.phase is Phase.IDLE:
        return -math.inf if state.ring_due else None
    listening = state.phase is Phase.LISTENING
    times = (
        state.undecided_until,
        state.voice_until,
        state.reply_until,
        state.stt_until if state.ending is not None else None,
        state.listen_until if listening or state.open_segment is not None else None,
        endpoint.finished_at(state.evidence.last_voice_s, settings)
        if listening and state.voice_until is None and not state.evidence.triggered
        else None,
    )
    return min((time for time in times if time is not None), default=None)
