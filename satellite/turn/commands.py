"""What needs no recogniser, in any phase: wake words, stop words, buttons, announcements, finished timers, mute."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.satellite.turn.bargein import silence
from interject.satellite.turn.events import (
    Announce,
    Awake,
    CancelReason,
    CancelReply,
    Effect,
    OpenStt,
    RingOnce,
    StartRing,
    WakeWord,
)
from interject.satellite.turn.listening import begin, rest
from interject.satellite.turn.pausing import resume
from interject.satellite.turn.segments import Outcome, abort_streams, then
from interject.satellite.turn.settings import BargeIn
from interject.satellite.turn.state import Kind, Listening, Origin, Segment, State
from interject.satellite.turn.utterance import Utterance, spend

if TYPE_CHECKING:
    from interject.satellite.turn.settings import TurnSettings


_WAKES_INTO_REPLIES = (BargeIn.SPEECH, BargeIn.WAKE_WORD)


def wake(state: State, event: WakeWord, now: float, settings: TurnSettings) -> Outcome:
    """Listen from the end of the wake word on; what was said before it is not for us."""
    return _listen_anew(state, event.name, event.ago_ms, now, settings)


def _listen_anew(state: State, name: str, ago_ms: float, now: float, settings: TurnSettings) -> Outcome:
    cleared, aborts = abort_streams(state)
    stream = state.streams + 1
    origin = Origin.CUT if state.live else Origin.SILENCE
    woken = replace(
        cleared,
        floor=Listening(now + settings.listen_max_s, origin, voice_until=now + settings.vad_wake_word_timeout),
        streams=stream,
        segments=(Segment(stream),),
        # The word itself is no speech of the turn; all that follows is.
        utterance=Utterance(last_voice_s=now),
    )
    cut = (CancelReply(state.epoch, CancelReason.WAKE_WORD),) if state.live else ()
    return woken, (*cut, *aborts, Awake(name), OpenStt(stream, ago_ms))


def wake_into_reply(state: State, event: WakeWord, now: float, settings: TurnSettings) -> Outcome:
    """Cut off what sounds, and listen at once."""
    if not state.rings and settings.barge_in not in _WAKES_INTO_REPLIES:
        return state, ()
    return wake(state, event, now, settings)


def listen_now(state: State, _event: object, now: float, settings: TurnSettings) -> Outcome:
    """Listen as after a wake word; who asks for it cuts off whatever sounds, with any `--barge-in`."""
    return _listen_anew(state, "", 0.0, now, settings)


def stop_reply(state: State, _event: object, _now: float, settings: TurnSettings) -> Outcome:
    """Silence what sounds at once; no turn begins."""
    if not state.rings and settings.barge_in is BargeIn.OFF:
        return state, ()
    return silence(state, CancelReason.STOP_WORD)


def stop_turn(state: State, _event: object, _now: float, _settings: TurnSettings) -> Outcome:
    """What cut a reply off, or was said into its end, was a stop word after all: nothing is asked."""
    if state.origin is Origin.SILENCE:
        return state, ()
    return forget_turn(state)


def stop_now(state: State, _event: object, _now: float, _settings: TurnSettings) -> Outcome:
    """Silence what sounds with any `--barge-in`, and drop what the user has said so far."""
    return silence(state, CancelReason.STOP_WORD) if state.live else forget_turn(state)


def forget_turn(state: State) -> Outcome:
    """Drop what the user has said so far."""
    aborted, effects = abort_streams(state)
    return then(effects, (replace(rest(aborted), utterance=spend(aborted.utterance)), ()))


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
    """Drop what was heard of the turn: the microphone was switched off."""
    return forget_turn(state)


def muted_reply(state: State, _event: object, _now: float, _settings: TurnSettings) -> Outcome:
    """Nothing can interrupt what sounds any more: let it play."""
    aborted, effects = abort_streams(state)
    return then(effects, resume(aborted))


def _begin(state: State, kind: Kind, now: float, settings: TurnSettings) -> State:
    # Who was speaking already speaks of something else.
    return replace(begin(state, kind, settings, now), utterance=spend(state.utterance))
