"""Timers that Home Assistant keeps for this room, and the ring of one that has finished."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wyoming.event import Event

    from interject.satellite.audio.base import Samples

_LOGGER = logging.getLogger(__name__)

# More than a household sets at once, and a bound for a peer that sets timers without end.
MOST_TIMERS = 100
# Whoever feeds a ring to the loudspeaker can stop between two pieces.
RING_PIECE_S = 1.0


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer as it was at `at_s`: how much is left of it, and whether it runs or is paused."""

    id: str
    name: str | None
    left_s: float
    active: bool
    at_s: float

    def remaining_s(self, now_s: float) -> float:
        """Return how much is left at a later time, never less than nothing."""
        return max(0.0, self.left_s - (now_s - self.at_s)) if self.active else self.left_s


@dataclass(frozen=True, slots=True)
class Timers:
    """All timers that are known, in the order in which they became known."""

    known: tuple[Timer, ...] = ()

    def get(self, timer_id: str) -> Timer | None:
        """Return the timer with this id, if it is known."""
        return next((timer for timer in self.known if timer.id == timer_id), None)

    def name_of(self, event: Event) -> str | None:
        """Return what the user called the timer that an event is about, if that is known."""
        timer = self.get(str(event.data.get("id")))
        return None if timer is None else timer.name

    def put(self, timer: Timer) -> Timers:
        """Add a timer, or put it in place of the one with its id; beyond MOST_TIMERS the first is forgotten."""
        if self.get(timer.id) is not None:
            return Timers(tuple(timer if other.id == timer.id else other for other in self.known))
        if len(self.known) == MOST_TIMERS:
            _LOGGER.warning("more than %d timers: %r is forgotten", MOST_TIMERS, self.known[0].id)
        return Timers((*self.known, timer)[-MOST_TIMERS:])

    def without(self, timer_id: str) -> Timers:
        """Forget a timer."""
        return Timers(tuple(timer for timer in self.known if timer.id != timer_id))


def follow(timers: Timers, event: Event, now_s: float) -> Timers:
    """Return the timers after a timer event; one that makes no sense changes nothing and is logged.

    A timer that is not known can be updated, and finish: Home Assistant keeps its timers when the satellite restarts.
    """
    timer_id = event.data.get("id")
    if not isinstance(timer_id, str) or not timer_id:
        return _ignored(timers, event, "it names no timer")
    known = timers.get(timer_id)
    if TimerStarted.is_type(event.type) or TimerUpdated.is_type(event.type):
        return _changed(timers, event, known or Timer(timer_id, None, 0.0, active=True, at_s=now_s), now_s)
    if TimerCancelled.is_type(event.type) or TimerFinished.is_type(event.type):
        if known is None and TimerCancelled.is_type(event.type):
            return _ignored(timers, event, f"there is no timer {timer_id!r}")
        return timers.without(timer_id)
    return _ignored(timers, event, "it says nothing of a timer")


def ring_audio(sound: Samples, rate_hz: int, repeats: int, delay_s: float) -> Iterator[Samples]:
    """Give `sound` so many times with silence between, in pieces of at most RING_PIECE_S; int16 mono at `rate_hz`."""
    silence = np.zeros(round(delay_s * rate_hz), np.int16)
    piece = round(RING_PIECE_S * rate_hz)
    for number in range(repeats):
        for part in (sound,) if number == 0 else (silence, sound):
            for start in range(0, len(part), piece):
                yield part[start : start + piece]


def _changed(timers: Timers, event: Event, timer: Timer, now_s: float) -> Timers:
    left_s = event.data.get("total_seconds")
    if isinstance(left_s, bool) or not isinstance(left_s, int | float) or not math.isfinite(left_s) or left_s < 0:
        return _ignored(timers, event, f"{left_s!r} is no number of seconds")
    active = event.data.get("is_active", True)
    if not isinstance(active, bool):
        return _ignored(timers, event, f"is_active is {active!r}")
    name = event.data.get("name", timer.name)
    if name is not None and not isinstance(name, str):
        return _ignored(timers, event, f"its name is {name!r}")
    return timers.put(replace(timer, name=name, left_s=float(left_s), active=active, at_s=now_s))


def _ignored(timers: Timers, event: Event, reason: str) -> Timers:
    _LOGGER.warning("a %s event is ignored: %s", event.type, reason)
    return timers
