"""The turn machine: what every event does in every phase, and the one function that applies it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar, cast

from interject.satellite.turn import bargein, changes, commands, listening
from interject.satellite.turn.endpointing import finished_at
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
from interject.satellite.turn.segments import Outcome, overdue_at
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Idle, Listening, Phase, Reply, State, Transcribing
from interject.satellite.turn.utterance import update

if TYPE_CHECKING:
    from collections.abc import Mapping

E = TypeVar("E", bound=Event)
Handler = Callable[[State, E, float, TurnSettings], Outcome]


@dataclass(frozen=True, slots=True)
class Row:
    """What an event does in a phase, in a few words, and the phases that it may lead to besides staying.

    handler: None where the event changes nothing, and `does` says why.
    """

    does: str
    handler: Handler[Event] | None = None
    to: tuple[Phase, ...] = ()


def _on(event: type[E], does: str, handler: Handler[E], *to: Phase) -> tuple[type[Event], Row]:
    """Bind a handler to the only class of events that it is given."""
    return cast("type[Event]", event), Row(does, cast("Handler[Event]", handler), to)


def _ignore(why: str, *events: type[Event]) -> tuple[tuple[type[Event], Row], ...]:
    return tuple((event, Row(why)) for event in events)


_I, _L, _T, _H, _S, _X = (
    Phase.IDLE,
    Phase.LISTENING,
    Phase.TRANSCRIBING,
    Phase.THINKING,
    Phase.SPEAKING,
    Phase.INTERRUPTED,
)
_OF_NO_REPLY = _ignore("no reply is live", ReplyText, ReplyStarted, ReplyPlayed, ReplyFailed)

_ROWS: Mapping[Phase, tuple[tuple[type[Event], Row], ...]] = {
    _I: (
        _on(VoiceWindow, "a voice begins a turn, where it takes no wake word", listening.idle_voice, _L),
        _on(Tick, "ring for a timer that waited", commands.ring_if_due, _H),
        _on(Typed, "ask it", listening.typed, _H),
        _on(WakeWord, "listen", commands.wake, _L),
        _on(ListenNow, "listen", commands.listen_now, _L),
        _on(Announced, "announce", commands.announced, _H),
        _on(TimerFinished, "ring", commands.ring, _H),
        *_ignore("no stream is open", Partial, Transcribed, SttFailed),
        *_ignore("there is nothing to stop", StopWord, StopNow, Muted),
        *_OF_NO_REPLY,
    ),
    _L: (
        _on(VoiceWindow, "follow the voice; end the turn after its silence", listening.listening_time, _T, _H, _I),
        _on(Tick, "end the turn after its silence, or at its limit", listening.listening_time, _T, _H, _I),
        _on(Typed, "ask it with what was said before it", listening.typed, _T, _H, _I),
        _on(Partial, "note the words", listening.stt_partial),
        _on(Transcribed, "note the text; end the turn if the server did", listening.stt_final, _T, _H, _I),
        _on(SttFailed, "go on without that part; error cue if it was all", listening.stt_failed, _I),
        _on(WakeWord, "listen anew", commands.wake),
        _on(StopWord, "drop a turn that cut a reply off, or was said into it", commands.stop_turn, _I),
        _on(ListenNow, "listen anew", commands.listen_now),
        _on(StopNow, "drop the turn", commands.stop_now, _I),
        _on(Announced, "drop the turn and announce", commands.announced, _H),
        _on(TimerFinished, "ring once now, and after the conversation", commands.ring_later),
        _on(Muted, "drop the turn", commands.muted_turn, _I),
        *_OF_NO_REPLY,
    ),
    _T: (
        _on(VoiceWindow, "a voice goes on with the turn", listening.transcribing_time, _L, _H, _I),
        _on(Tick, "give up a text that is overdue", listening.transcribing_time, _H, _I),
        _on(Typed, "ask it with what was said before it", listening.typed, _H, _I),
        _on(Partial, "note the words", listening.stt_partial),
        _on(Transcribed, "ask the turn once all of it is known", listening.stt_final, _H, _I),
        _on(SttFailed, "ask without that part; error cue if it was all", listening.stt_failed, _H, _I),
        _on(WakeWord, "drop the turn and listen", commands.wake, _L),
        _on(StopWord, "drop a turn that cut a reply off, or was said into it", commands.stop_turn, _I),
        _on(ListenNow, "drop the turn and listen", commands.listen_now, _L),
        _on(StopNow, "drop the turn", commands.stop_now, _I),
        _on(Announced, "drop the turn and announce", commands.announced, _H),
        _on(TimerFinished, "ring once now, and after the conversation", commands.ring_later),
        _on(Muted, "drop the turn", commands.muted_turn, _I),
        *_OF_NO_REPLY,
    ),
    _H: (
        _on(VoiceWindow, "hold the reply; commit when it is long enough", bargein.on_time, _L, _T, _I),
        _on(Tick, "decide, or fail a reply that is overdue", bargein.on_time, _L, _T, _I),
        _on(Typed, "cancel the reply and ask it; only cancel at a stop phrase; wait", bargein.typed, _I),
        _on(Partial, "commit if the words say so", bargein.stt_partial, _L),
        _on(Transcribed, "commit if the words say so, else drop them", bargein.stt_final, _L),
        _on(SttFailed, "error cue", bargein.stt_failed),
        _on(WakeWord, "cancel the reply and listen, where --barge-in allows", commands.wake_into_reply, _L),
        _on(StopWord, "cancel the reply, where --barge-in allows", commands.stop_reply, _I),
        _on(ListenNow, "cancel the reply and listen", commands.listen_now, _L),
        _on(StopNow, "cancel the reply", commands.stop_now, _I),
        _on(Announced, "cancel the reply and announce", commands.announced),
        _on(TimerFinished, "ring once now, and after the conversation", commands.ring_later),
        _on(Muted, "drop what was said into the reply", commands.muted_reply),
        _on(ReplyText, "note whether it asks something", bargein.reply_text),
        _on(ReplyStarted, "it sounds; pause it at once if it is held", bargein.reply_started, _S, _X),
        _on(ReplyPlayed, "it had no sound: what was said meanwhile is a turn", bargein.reply_played, _L, _T, _I),
        _on(ReplyFailed, "error cue; what was said meanwhile is a turn", bargein.reply_failed, _L, _T, _I),
    ),
    _S: (
        _on(VoiceWindow, "duck, then pause, then commit; a ring ends", bargein.on_time, _X, _L, _I),
        _on(Tick, "decide, or go on at full level", bargein.on_time),
        _on(Typed, "cut and ask it; only cut at a stop phrase; wait, say it again", bargein.typed, _H, _I, _X),
        _on(Partial, "commit if the words say so", bargein.stt_partial, _L),
        _on(Transcribed, "commit, wait, or say it again, as the words say; else drop them", bargein.stt_final, _L, _X),
        _on(SttFailed, "error cue", bargein.stt_failed),
        _on(WakeWord, "cut and listen, where --barge-in allows", commands.wake_into_reply, _L),
        _on(StopWord, "cut, where --barge-in allows", commands.stop_reply, _I),
        _on(ListenNow, "cut and listen", commands.listen_now, _L),
        _on(StopNow, "cut", commands.stop_now, _I),
        _on(Announced, "cut and announce", commands.announced, _H),
        _on(TimerFinished, "ring once now, and after the conversation", commands.ring_later),
        _on(Muted, "drop what was said into the reply, and go on", commands.muted_reply),
        _on(ReplyText, "note whether it asks something", bargein.reply_text),
        *_ignore("it sounds already", ReplyStarted),
        _on(ReplyPlayed, "what was said into its end is a turn", bargein.reply_played, _L, _T, _I),
        _on(ReplyFailed, "play what there is; error cue at its end", bargein.reply_failed),
    ),
    _X: (
        _on(VoiceWindow, "commit, or resume when it was nothing", bargein.on_time, _S, _L, _I),
        _on(Tick, "resume when no words come in time; give up what waited too long", bargein.on_time, _S, _I),
        _on(Typed, "cut and ask it; only cut at a stop phrase; go on, say it again", bargein.typed, _H, _I, _S),
        _on(Partial, "commit if the words say so", bargein.stt_partial, _L),
        _on(Transcribed, "commit, wait, or say it again, as the words say; else resume", bargein.stt_final, _S, _L),
        _on(SttFailed, "error cue and resume", bargein.stt_failed, _S),
        _on(WakeWord, "cut and listen, where --barge-in allows", commands.wake_into_reply, _L),
        _on(StopWord, "cut, where --barge-in allows", commands.stop_reply, _I),
        _on(ListenNow, "cut and listen", commands.listen_now, _L),
        _on(StopNow, "cut", commands.stop_now, _I),
        _on(Announced, "cut and announce", commands.announced, _H),
        _on(TimerFinished, "ring once now, and after the conversation", commands.ring_later),
        _on(Muted, "drop what was said into the reply, and resume", commands.muted_reply, _S),
        _on(ReplyText, "note whether it asks something", bargein.reply_text),
        *_ignore("it sounded before it was paused", ReplyStarted),
        _on(ReplyPlayed, "it was at its end: what was said into it is a turn", bargein.reply_played, _L, _T, _I),
        _on(ReplyFailed, "play what there is; error cue at its end", bargein.reply_failed),
    ),
}
TRANSITIONS: Mapping[tuple[Phase, type[Event]], Row] = {
    (phase, event): row for phase, rows in _ROWS.items() for event, row in rows
}


class UndeclaredTransitionError(Exception):
    """A step led to a phase that the table does not declare; `outcome` is what it came to all the same."""

    def __init__(self, before: State, event: Event, outcome: Outcome) -> None:
        super().__init__(f"{before.phase} -> {outcome[0].phase} at {event} is not declared")
        self.outcome = outcome


def step(state: State, event: Event, now: float, settings: TurnSettings) -> Outcome:
    """Apply an event at `now` (seconds of the device's clock): the next state, and what is to be done, in order.

    What belongs to another epoch than the live reply's changes nothing. Raises UndeclaredTransitionError.
    """
    if isinstance(event, ReplyText | ReplyStarted | ReplyPlayed | ReplyFailed) and (
        not state.live or event.epoch != state.epoch
    ):
        return state, ()
    row = TRANSITIONS[state.phase, type(event)]
    if row.handler is None:
        return state, ()
    told = _with_utterance(state, event, now, settings) if isinstance(event, VoiceWindow) else state
    after, asked = row.handler(told, event, now, settings)
    outcome = after, (*changes.begun(state, after, settings), *asked, *changes.ended(state, after, event))
    if after.phase is not state.phase and after.phase not in row.to:
        raise UndeclaredTransitionError(state, event, outcome)
    return outcome


def _with_utterance(state: State, event: VoiceWindow, now: float, settings: TurnSettings) -> State:
    utterance = update(state.utterance, event, now, state.phase, settings)
    if utterance is state.utterance:
        return state
    gained_ms = max(0.0, utterance.speech_ms - state.utterance.speech_ms)
    noted = replace(state, utterance=utterance)
    segment = noted.open_segment
    if segment is None or not gained_ms:
        return noted
    spoken = replace(segment, speech_ms=segment.speech_ms + gained_ms, voice=segment.voice.with_window(event))
    return noted.with_segment(spoken)


def deadline(state: State, settings: TurnSettings) -> float | None:
    """Return when a Tick is due, in seconds of the device's clock; None while nothing can happen by itself."""
    times = (overdue_at(state, settings), *_deadlines_of_phase(state, settings))
    return min((time for time in times if time is not None), default=None)


def _deadlines_of_phase(state: State, settings: TurnSettings) -> tuple[float | None, ...]:
    match state.floor:
        case Idle():
            return (-math.inf if state.ring_due else None,)
        case Listening(listen_until, _, voice_until):
            if voice_until is not None:
                return (voice_until,)
            ends_s = finished_at(state, settings)
            return listen_until, None if state.utterance.triggered else ends_s
        case Transcribing(_, listen_until):
            return (listen_until if state.open_segment is not None else None,)
        case Reply(undecided_until=undecided_until, on_hold_until=on_hold_until, reply_until=reply_until):
            return undecided_until, on_hold_until, reply_until
