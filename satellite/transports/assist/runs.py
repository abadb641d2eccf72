"""Beginning and ending runs: never two at once, or Home Assistant goes deaf for good."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.satellite.records.home_assistant import NullRunSent, RunBegun
from interject.satellite.transports.assist.demux import STALE
from interject.satellite.transports.assist.effects import (
    DropFeed,
    DropOwn,
    Effect,
    EndFeed,
    Forget,
    Note,
    SendAudioStop,
    SendNullRun,
    SendRun,
    SendWakeRun,
    StopStreaming,
    TellSttFailed,
    TellText,
)
from interject.satellite.transports.assist.errors import HomeAssistantAwayError
from interject.satellite.transports.assist.state import Outcome, Piece, Run, RunPhase, Start, State, then

if TYPE_CHECKING:
    from interject.wire.errors import InterjectError

# Home Assistant 2026.11 acknowledges a null run within 8 ms; 2026.2 says nothing, and is ready after this.
ACKNOWLEDGE_S = 0.25
# `transcribe` follows in 6 ms and Home Assistant's VAD needs 1 s: after this it does not hear us.
HEARS_US_S = 2.0
# Whisper on a slow machine needs some 8 s for a long sentence.
TEXT_S = 12.0
# Speech of a run that was cut after its text begins within this, or is taken for an announcement; Piper's slowest
# voice on a Pi needs some 3 s.
OWED_S = 6.0
# Home Assistant ends a run silently when its settings are changed: a new one hears the next wake word.
WAKE_RENEW_S = 120.0


def begin(state: State, run: Run, now: float) -> Outcome:
    """Begin a run as soon as Home Assistant can take one."""
    if not state.connected:
        return fail(replace(state, run=run), HomeAssistantAwayError(), now)
    planned = replace(state, run=replace(run, phase=RunPhase.PLANNED, deadline=None))
    if planned.null_until is not None:
        return planned, ()
    if planned.may_run:
        sent, effects = send_null(planned, now)
        return replace(sent, run=planned.run), effects
    return launch(planned, now)


def hold(state: State, run: Run, now: float) -> Outcome:
    """Have nothing under way until it is clear what belongs to the turn."""
    sent, effects = stop_run(state, now)
    return replace(sent, run=replace(run, phase=RunPhase.HELD, deadline=None)), effects


def launch(state: State, now: float) -> Outcome:
    """Begin the run that is planned, now that nothing else can be under way."""
    run = state.run
    if run is None or run.phase is not RunPhase.PLANNED:
        return state, ()
    if run.start is Start.WAKE_WORD:
        waiting = replace(run, phase=RunPhase.WAKE, deadline=now + WAKE_RENEW_S)
        return replace(state, run=waiting, may_run=True), (SendWakeRun(run.number),)
    begun = replace(run, phase=RunPhase.LISTENING, deadline=now + HEARS_US_S)
    effects: tuple[Effect, ...] = (
        SendRun(run.number, run.streams, state.woken, state.pipeline),
        Note(RunBegun(run=run.number, streams=list(run.streams))),
    )
    launched = replace(state, run=begun, may_run=True, woken=None)
    return then(effects, stop_audio(launched, now) if run.complete else (launched, ()))


def stop_audio(state: State, now: float) -> Outcome:
    """Tell Home Assistant that the turn is over."""
    run = state.run
    if run is None or run.phase is not RunPhase.LISTENING:
        return state, ()
    wait_s = TEXT_S if run.transcribing else HEARS_US_S
    stopped = replace(run, phase=RunPhase.STOPPED, complete=True, deadline=now + wait_s)
    return replace(state, run=stopped), (SendAudioStop(), StopStreaming())


def send_null(state: State, now: float) -> Outcome:
    """End whatever Home Assistant does for us; what comes of it from now on is stale."""
    run = state.run
    owed_until = state.owed_until
    if run is not None and run.phase is RunPhase.THINKING and run.text and not run.opened:
        owed_until = now + OWED_S
    sent = replace(
        state,
        run=None,
        may_run=False,
        null_until=now + ACKNOWLEDGE_S,
        unacknowledged=state.unacknowledged + 1,
        owed_until=owed_until,
        demux=state.demux.disowned(STALE if state.announcement is None else state.announcement.feed),
    )
    return sent, (StopStreaming(), SendNullRun(), Note(NullRunSent()))


def stop_run(state: State, now: float) -> Outcome:
    """End the present run, if there is one that Home Assistant knows of."""
    if state.may_run and state.connected:
        return send_null(state, now)
    return replace(state, run=None), (StopStreaming(),)


def drop_run(state: State, now: float) -> Outcome:
    """Want nothing more of the present run, nor of the turn that it was for."""
    run = state.run
    stopped, effects = stop_run(state, now)
    dropped = (DropFeed(run.number),) if run is not None and run.answering else ()
    return then((*effects, *dropped), drop_pieces(stopped))


def drop_pieces(state: State) -> Outcome:
    """Forget what the user said."""
    own = tuple(DropOwn(piece.stream) for piece in state.pieces if piece.own)
    streams = tuple(piece.stream for piece in state.pieces)
    dropped = (Forget((*state.prefix, *streams)),) if state.prefix or streams else ()
    return replace(state, pieces=(), prefix=()), (*own, *dropped)


def over(state: State) -> State:
    """Note that the present run has ended by itself."""
    return replace(state, run=None, may_run=False)


def fail(state: State, error: InterjectError, now: float) -> Outcome:
    """Give up the present run: the turn has no text, or the reply no rest."""
    run = state.run
    if run is None:
        return state, ()
    stopped, effects = stop_run(state, now)
    end: tuple[Effect, ...] = ()
    if run.epoch is not None:
        end = (EndFeed(run.number, error),)
    elif run.answering:
        end = (DropFeed(run.number),)
    if not run.tell:
        return then((*effects, *end), (stopped, ()))
    *earlier, last = run.tell
    told: tuple[Effect, ...] = (*(TellText(stream, "") for stream in earlier), TellSttFailed(last, error))
    return then((*effects, *end), _without(stopped, run.streams, told))


def end_silently(state: State) -> Outcome:
    """Give up the present run, which has already ended, as if nothing had been said."""
    run = state.run
    if run is None:
        return state, ()
    told = tuple(TellText(stream, "") for stream in run.tell)
    ended: tuple[Effect, ...] = (StopStreaming(),)
    if run.epoch is not None:
        ended = (*ended, EndFeed(run.number))
    return then(ended, _without(over(state), run.streams, told))


def _without(state: State, streams: tuple[int, ...], told: tuple[Effect, ...]) -> Outcome:
    kept: tuple[Piece, ...] = tuple(piece for piece in state.pieces if piece.stream not in streams)
    return replace(state, pieces=kept, prefix=()), (*told, Forget(streams))
