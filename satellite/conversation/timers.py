"""What the user called the timers that Home Assistant keeps for this room, and the ring of one that has finished."""

from __future__ import annotations

import logging
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


class TimerNames:
    """The names of the timers under way: an event of a timer that ends does not tell its name."""

    def __init__(self) -> None:
        self._names: dict[str, str | None] = {}

    def follow(self, event: Event) -> str | None:
        """Take in a timer event; returns the timer's name, if it is known. One that makes no sense is logged."""
        timer_id, name = event.data.get("id"), event.data.get("name")
        if not isinstance(timer_id, str) or not timer_id:
            _ignored(event, "it names no timer")
            return None
        if TimerStarted.is_type(event.type) or TimerUpdated.is_type(event.type):
            if name is not None and not isinstance(name, str):
                _ignored(event, f"its name is {name!r}")
                return None
            self._names[timer_id] = self._names.get(timer_id) if name is None else name
            if len(self._names) > MOST_TIMERS:
                forgotten = next(iter(self._names))
                del self._names[forgotten]
                _LOGGER.warning("more than %d timers: the name of %r is forgotten", MOST_TIMERS, forgotten)
            return self._names[timer_id]
        if TimerCancelled.is_type(event.type) or TimerFinished.is_type(event.type):
            return self._names.pop(timer_id, None)
        _ignored(event, "it says nothing of a timer")
        return None


def ring_audio(sound: Samples, rate_hz: int, repeats: int, delay_s: float) -> Iterator[Samples]:
    """Give `sound` so many times with silence between, in pieces of at most RING_PIECE_S; int16 mono at `rate_hz`."""
    silence = np.zeros(round(delay_s * rate_hz), np.int16)
    piece = round(RING_PIECE_S * rate_hz)
    for number in range(repeats):
        for part in (sound,) if number == 0 else (silence, sound):
            for start in range(0, len(part), piece):
                yield part[start : start + piece]


def _ignored(event: Event, reason: str) -> None:
    _LOGGER.warning("a %s event is ignored: %s", event.type, reason)
