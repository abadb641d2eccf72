"""What a reply does that is not cut: it goes on, goes on softly, waits, or says its last sentence again."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from interject.satellite.turn.events import Duck, Effect, Pause, Resume, SayAgain, Unduck
from interject.satellite.turn.state import Barge, reply_of
from interject.satellite.turn.utterance import Voice, spend

if TYPE_CHECKING:
    from interject.satellite.turn.segments import Outcome
    from interject.satellite.turn.settings import TurnSettings
    from interject.satellite.turn.state import State


def resume(state: State) -> Outcome:
    """Go on speaking as before; the rest of the utterance, if there is any, does not count again."""
    return let_play(replace(state, utterance=spend(state.utterance)), Barge.NONE)


def let_play(state: State, barge: Barge) -> Outcome:
    """Play on with what the utterance leaves of it (`barge`), unless the user has asked the reply to wait."""
    reply = reply_of(state)
    if reply.on_hold_until is not None or (reply.barge is barge and reply.undecided_until is None):
        return state, ()
    effects: dict[Barge, tuple[Effect, ...]] = {
        Barge.DUCKED: (Unduck(),),
        Barge.SOFT: (Unduck(),),
        Barge.HELD: (Resume(),),
    }
    return state.with_reply(replace(reply, barge=barge, undecided_until=None)), effects.get(reply.barge, ())


def go_on_softly(state: State) -> Outcome:
    """Go on speaking, ducked, until the words are there."""
    playing, effects = let_play(state, Barge.SOFT)
    return playing, (*effects, Duck())


def dismiss(state: State) -> Outcome:
    """Go on speaking through what is too thin for a voice; only what is dense enough counts again, from nothing."""
    return let_play(replace(state, utterance=replace(state.utterance, speech_ms=0.0, voice=Voice())), Barge.DISMISSED)


def hold(state: State, now: float, settings: TurnSettings) -> Outcome:
    """Be silent until the user says "go on", or takes the floor."""
    reply = reply_of(state)
    pause: tuple[Effect, ...] = () if reply.barge is Barge.HELD else (Pause(),)
    held = replace(
        reply,
        barge=Barge.HELD,
        undecided_until=None,
        held_until=math.inf,
        on_hold_until=now + settings.hold_max_s,
        # Nothing sounds while it waits, so its first sound is nobody's failure.
        reply_until=None,
    )
    return replace(state.with_reply(held), utterance=spend(state.utterance)), pause


def go_on(state: State, now: float, settings: TurnSettings) -> Outcome:
    """Go on with a reply that was asked to wait."""
    return resume(_off_hold(state, now, settings))


def say_again(state: State, now: float, settings: TurnSettings) -> Outcome:
    """Say the last sentence again, and go on from there."""
    freed = _off_hold(state, now, settings)
    reply = replace(reply_of(freed), barge=Barge.NONE, undecided_until=None)
    return replace(freed.with_reply(reply), utterance=spend(freed.utterance)), (SayAgain(),)


def _off_hold(state: State, now: float, settings: TurnSettings) -> State:
    reply = reply_of(state)
    if reply.on_hold_until is None:
        return state
    reply_until = None if reply.started else now + settings.reply_timeout_s
    return state.with_reply(replace(reply, on_hold_until=None, reply_until=reply_until))
