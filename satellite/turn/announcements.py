"""Announcements, finished timers and the mute switch: what comes from outside a conversation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.satellite.turn.bargein import resume
from interject.satellite.turn.events import Announce, CancelReason, CancelReply, Effect, RingOnce, StartRing
from interject.satellite.turn.keywords import forget_turn
from interject.satellite.turn.listening import begin
from interject.satellite.turn.segments import Outcome, abort_streams, then
from interject.satellite.turn.state import Kind, State
from interject.satellite.turn.utterance import spend

if TYPE_CHECKING:
    from interject.satellite.turn.settings import TurnSettings


def announced(state: State, _event: object, now: float, settings: TurnSettings) -> Outcome:
    """Make way: whoever announces something knows better than we what matters now."""
    cut: tuple[Effect, ...] = (CancelReply(state.epoch, CancelReason.ANNOUNCEMENT),) if state.live else ()
    cleared, aborts = abort_streams(state)
    begun = _begin(cleared, Kind.ANNOUNCEMENT, now, settings)
    # A ring that had to make way goes on afterwards.
    waiting = replace(begun, ring_due=state.ring_due or state.rings)
    return waiting, (*cut, *aborts, Announce(begun.epoch))


def ring(state: State, _event: object, now: float, settings: TurnSettings) -> Outcome:
    """Ring for a finished timer."""
    begun = _begin(replace(state, ring_due=False), Kind.RING, now, settings)
    return begun, (StartRing(begun.epoch),)


def ring_if_due(state: State, event: object, now: float, settings: TurnSettings) -> Outcome:
    """Ring now for a timer that finished during a conversation."""
    return ring(state, event, now, settings) if state.ring_due else (state, ())


def ring_later(state: State, _event: object, _now: float, _settings: TurnSettings) -> Outcome:
    """A conversation is not cut off for a timer: it sounds once, and rings when the conversation is over."""
    if state.rings:
        return state, ()
    return replace(state, ring_due=True), (RingOnce(),)


def muted_turn(state: State, _event: object, _now: float, _settings: TurnSettings) -> Outcome:
    """Who switches the microphone off does not want to have been heard."""
    return forget_turn(state)


def muted_reply(state: State, _event: object, _now: float, _settings: TurnSettings) -> Outcome:
    """Nothing can interrupt what sounds any more: let it play."""
    aborted, effects = abort_streams(state)
    return then(effects, resume(aborted))


def _begin(state: State, kind: Kind, now: float, settings: TurnSettings) -> State:
    # Who was speaking already speaks of something else.
    return replace(begin(state, kind, settings, now), utterance=spend(state.utterance))
