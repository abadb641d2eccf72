"""Side speech: is it said to the assistant, or, softer, to somebody else?"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from interject.satellite.turn.state import reply_of

if TYPE_CHECKING:
    from interject.satellite.turn.settings import TurnSettings
    from interject.satellite.turn.state import Segment, State

# Who insists is heard, however loud the last turn was: each attempt upon a reply may be so much softer than the last,
# if it comes so soon after it. Who speaks to somebody else goes on at leisure.
_INSISTING_DB = 8.0
_INSISTING_S = 5.0
# What began softly enough for side speech is not for us because of one louder word in it.
_STAYS_SIDE_SPEECH_DB = 3.0
# Softness is judged from a quarter of a second of voice on.
_LEAST_WINDOWS = 8


def noting_softness(state: State, now: float, settings: TurnSettings) -> State:
    """Take note if what is being said began too softly for us."""
    segment = state.open_segment
    if segment is None or segment.voice.windows < _LEAST_WINDOWS or not is_side_speech(state, segment, now, settings):
        return state
    return state.with_segment(replace(segment, side_speech=True))


def is_side_speech(state: State, spoken: Segment | None, now: float, settings: TurnSettings) -> bool:
    """Whether it is too soft for us, whatever it says."""
    softer_db = softness(state, spoken)
    return softer_db is not None and softer_db > too_soft_db(state, spoken, now, settings)


def softness(state: State, spoken: Segment | None) -> float | None:
    """Return how much softer than the user's usual voice it is, in dB; None where that is not known."""
    voice = (spoken or state.utterance).voice
    return voice.softer_db(state.user) if voice.known and state.user.known else None


def too_soft_db(state: State, spoken: Segment | None, now: float, settings: TurnSettings) -> float:
    """Return from when on softer is too soft, as of somebody turned away: never for a whisper, which is brighter."""
    voice = (spoken or state.utterance).voice
    if voice.brighter_db(state.user) >= settings.whisper_brighter_db:
        return math.inf
    reply = state.reply
    limit_db = settings.side_speech_db
    if reply is not None and reply.insisting_until is not None and now < reply.insisting_until:
        limit_db += reply.side_speeches * _INSISTING_DB
    return limit_db - (_STAYS_SIDE_SPEECH_DB if spoken is not None and spoken.side_speech else 0.0)


def noting_refusal(state: State, spoken: Segment | None, now: float, settings: TurnSettings) -> State:
    """Take note if a reply goes on over somebody who was only too soft: that may be one who insists."""
    if not is_side_speech(state, spoken, now, settings):
        return state
    reply = reply_of(state)
    insisted = reply.insisting_until is not None and now < reply.insisting_until
    times = reply.side_speeches + 1 if insisted else 1
    return state.with_reply(replace(reply, side_speeches=times, insisting_until=now + _INSISTING_S))
