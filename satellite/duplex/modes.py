"""Duplex modes: what may interrupt a reply, decided from what is known of the echo."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from interject.satellite.aec.level_guard import SAFE_ECHO_DB
from interject.satellite.duplex.statistics import EchoStatistics, cut_off, decibels, remember
from interject.satellite.turn.settings import BargeIn

if TYPE_CHECKING:
    from interject.satellite.duplex.statistics import Observation
    from interject.satellite.turn.settings import TurnSettings

# What a canceller leaves may be this much louder than the user before its suppressor takes too much of the user too.
# In interruptions of tests/room (Kalman canceller, seeds 20 to 25) it was up to 5 dB louder at +20 dB of echo, where 9
# of 16 were heard clearly, and 9 to 13 dB at +30 dB (none); in moments up to 10 dB louder at +20 dB.
_WORDS_ABOVE_USER_DB = 12.0
_HALF_DUPLEX_ABOVE_USER_DB = 18.0
# Without a canceller of ours there is no suppressor, but nothing helps detectors of words either.
_ECHO_ABOVE_USER_DB = 6.0
# Measured levels move by some dB; a level near its limit must not change the duplex mode again and again.
_HYSTERESIS_DB = 3.0
# A fresh filter takes 2 to 5 seconds, and finds the delay sooner: who takes longer does not find the path at all. One
# that finds the delay and never settles is that of many a real loudspeaker, and keeps its user.
_UNSETTLED_S = 8.0
# A buffer that slips, or a device that changes, moves the delay once: this often, it cannot be followed. A filter that
# gives a path up and finds it where it was, as with microphones that pump, is none of that.
_JUMPS = 4
# One voice that said nothing may have been a cough; each of two was more likely our own.
_EMPTY_CUTS = 2
# In so many half seconds of the last ten seconds: a slammed door is over sooner.
_CLIPS = 4
# How much playback must be good before a better duplex mode begins, twice as much after each relapse, and how soon
# going down again is a relapse.
_UP_AFTER_S = 20.0
_LONGEST_UP_AFTER_S = 320.0
_RELAPSE_WITHIN_S = 120.0


class DuplexMode(Enum):
    """What may interrupt a reply, at most; each duplex mode is worse than the one before."""

    SPEECH = "speech"
    WORDS = "words"
    HALF_DUPLEX = "half-duplex"

    def is_better(self, than: DuplexMode) -> bool:
        """Tell whether more may interrupt than in another duplex mode."""
        return _BEST_FIRST.index(self) < _BEST_FIRST.index(than)


_BEST_FIRST = tuple(DuplexMode)


class Reason(Enum):
    """Why it is not a better duplex mode."""

    ECHO = "echo"
    RESIDUAL = "residual"
    NOT_CONVERGED = "not-converged"
    UNSTEADY = "unsteady"
    EMPTY_CUTS = "empty-cuts"
    CLIPPING = "clipping"


@dataclass(frozen=True, slots=True)
class ModeState:
    """The duplex mode, why it is not better (None for the best), and what it was concluded from.

    good_s: seconds of playback in which a better duplex mode was due; up_after_s: how many it takes. up_at: when it
    last went up, by the device's clock.
    """

    mode: DuplexMode = DuplexMode.SPEECH
    reason: Reason | None = None
    history: EchoStatistics = field(default_factory=EchoStatistics)
    good_s: float = 0.0
    up_after_s: float = _UP_AFTER_S
    up_at: float | None = None


def settings_for(mode: DuplexMode, settings: TurnSettings) -> TurnSettings:
    """Return the settings that a duplex mode leaves of the user's: it takes away, and never grants."""
    if mode is DuplexMode.HALF_DUPLEX:
        return replace(settings, barge_in=BargeIn.OFF)
    if mode is DuplexMode.WORDS and settings.barge_in is BargeIn.SPEECH:
        return replace(settings, barge_in=BargeIn.WAKE_WORD)
    return settings


def observe(state: ModeState, seen: Observation) -> ModeState:
    """Take in a block of audio: down at once when a worse duplex mode is due, up by one after enough good playback.

    Up only between replies: during one, the echo may have been taken for somebody who speaks.
    """
    noted = replace(state, history=remember(state.history, seen))
    due, reason = _due(noted, seen)
    if state.mode.is_better(due):
        return _down(noted, due, reason, seen.now_s)
    if due is state.mode:
        return replace(noted, good_s=0.0)
    gained_s = noted.history.played_s - state.history.played_s
    good_s = state.good_s + (gained_s if _is_known(noted.history, seen) else 0.0)
    if good_s < state.up_after_s or seen.live:
        return replace(noted, good_s=good_s)
    up, why = (DuplexMode.WORDS, state.reason) if state.mode is DuplexMode.HALF_DUPLEX else (DuplexMode.SPEECH, None)
    return replace(noted, mode=up, reason=why, good_s=0.0, up_at=seen.now_s)


def cut_off_for_nothing(state: ModeState, now_s: float) -> ModeState:
    """Take note that somebody's voice cut a reply off and said nothing: it may have been our own."""
    return replace(state, history=cut_off(state.history, now_s))


def _down(state: ModeState, mode: DuplexMode, reason: Reason | None, now_s: float) -> ModeState:
    """Go down; what was counted has had its effect, and only what comes anew keeps the duplex mode down."""
    relapse = state.up_at is not None and now_s - state.up_at <= _RELAPSE_WITHIN_S
    up_after_s = min(2 * state.up_after_s, _LONGEST_UP_AFTER_S) if relapse else _UP_AFTER_S
    history = replace(state.history, jumped_at=(), clipped_at=(), cut_at=())
    return replace(state, mode=mode, reason=reason, history=history, good_s=0.0, up_after_s=up_after_s)


def _due(state: ModeState, seen: Observation) -> tuple[DuplexMode, Reason | None]:
    """Return the best duplex mode that can be kept now, and what keeps it from being better."""
    history = state.history
    if len(history.clipped_at) >= _CLIPS:
        return DuplexMode.HALF_DUPLEX, Reason.CLIPPING
    if len(history.cut_at) >= _EMPTY_CUTS:
        return DuplexMode.WORDS, Reason.EMPTY_CUTS
    if _is_harmless(history, seen):
        return DuplexMode.SPEECH, None
    return _due_by_canceller(state, seen) if _has_canceller(seen) else _due_by_echo(state, seen)


def _due_by_canceller(state: ModeState, seen: Observation) -> tuple[DuplexMode, Reason | None]:
    history, above_db = state.history, _above_user_db(state.history, seen)
    if above_db > _limit_db(_HALF_DUPLEX_ABOVE_USER_DB, DuplexMode.HALF_DUPLEX, state.mode):
        return DuplexMode.HALF_DUPLEX, Reason.RESIDUAL
    if above_db > _limit_db(_WORDS_ABOVE_USER_DB, DuplexMode.WORDS, state.mode):
        return DuplexMode.WORDS, Reason.RESIDUAL
    if history.unsettled_s > _UNSETTLED_S:
        return DuplexMode.WORDS, Reason.NOT_CONVERGED
    if len(history.jumped_at) >= _JUMPS:
        return DuplexMode.WORDS, Reason.UNSTEADY
    return DuplexMode.SPEECH, None


def _due_by_echo(state: ModeState, seen: Observation) -> tuple[DuplexMode, Reason | None]:
    echo_db = seen.report.echo_db
    if echo_db is None or echo_db <= _limit_db(SAFE_ECHO_DB, DuplexMode.WORDS, state.mode):
        return DuplexMode.SPEECH, None
    above_db = _above_user_db(state.history, seen)
    drowned = above_db > _limit_db(_ECHO_ABOVE_USER_DB, DuplexMode.HALF_DUPLEX, state.mode)
    return (DuplexMode.HALF_DUPLEX if drowned else DuplexMode.WORDS), Reason.ECHO


def _has_canceller(seen: Observation) -> bool:
    """Whether somebody knows what is left of our voice, and does not guess it from the echo's level."""
    return seen.report.residual_dbfs is not None


def _is_harmless(history: EchoStatistics, seen: Observation) -> bool:
    """Whether the echo is too soft to be heard as speech, as with headphones, whatever a canceller makes of it."""
    known = [history.echo_at_most_db] + ([seen.report.echo_db] if _has_canceller(seen) else [])
    return any(echo_db is not None and echo_db <= SAFE_ECHO_DB for echo_db in known)


def _is_known(history: EchoStatistics, seen: Observation) -> bool:
    return history.left_dbfs is not None or _is_harmless(history, seen)


def _above_user_db(history: EchoStatistics, seen: Observation) -> float:
    """Return how far what is left of our voice stands above the user's; minus infinity where it does not stand out."""
    left_dbfs, noise_dbfs = history.left_dbfs, seen.report.noise_dbfs
    if left_dbfs is None or not seen.user_power or (noise_dbfs is not None and left_dbfs <= noise_dbfs):
        return -math.inf
    return left_dbfs - decibels(seen.user_power)


def _limit_db(limit_db: float, of: DuplexMode, now: DuplexMode) -> float:
    """Return the level above which a duplex mode is due: lower while it, or a worse one, has been chosen already."""
    return limit_db if now.is_better(of) else limit_db - _HYSTERESIS_DB
