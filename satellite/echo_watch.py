"""Tells the user when the satellite may be interrupting itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from satellite.hearing.guard import SAFE_ECHO_DB
from satellite.turn.events import Tick, Transcribed, VoiceWindow

if TYPE_CHECKING:
    from collections.abc import Callable

    from satellite.turn.events import Event
    from satellite.turn.state import State

_LOGGER = logging.getLogger(__name__)

# The measured level moves by some dB; a level near the limit must not be told again and again.
_ECHO_HYSTERESIS_DB = 3.0
_REMEDY = (
    "turn the loudspeaker down or away from the microphone, use headphones, or start with --barge-in stop-word or "
    "--barge-in off"
)


class EchoWatch:
    """Logs once each way when speech barge-in stops being safe and when it is safe again."""

    def __init__(self, emit: Callable[..., None]) -> None:
        self._emit = emit
        self._is_safe = True
        self._told_of_empty_cut = False

    def measured(self, echo_db: float) -> None:
        """Take in how loud our own voice comes back."""
        safe = echo_db <= (SAFE_ECHO_DB if self._is_safe else SAFE_ECHO_DB - _ECHO_HYSTERESIS_DB)
        if safe is self._is_safe:
            return
        self._is_safe = safe
        self._emit("echo", echo_db=echo_db, safe=safe)
        if safe:
            _LOGGER.warning("our own voice now comes back at %.0f dB: speech barge-in is safe again", echo_db)
        else:
            _LOGGER.warning(
                "our own voice comes back at %.0f dB, so the satellite may interrupt itself: speech barge-in is not "
                "safe above %.0f dB; %s",
                echo_db,
                SAFE_ECHO_DB,
                _REMEDY,
            )

    def cut_off_for_nothing(self, echo_db: float | None) -> None:
        """Somebody's voice cut a reply off, and said nothing: it may have been our own."""
        self._emit("empty-interruption", echo_db=echo_db)
        log = _LOGGER.debug if self._told_of_empty_cut else _LOGGER.warning
        self._told_of_empty_cut = True
        log("a voice cut a reply off and said nothing; if it was the satellite's own, %s", _REMEDY)


def said_nothing(turn: State, end: Event) -> bool:
    """Tell whether a turn that this event ended had no words: a "stop" has some, and what failed may have had some."""
    words = [segment.text for segment in turn.segments]
    if isinstance(end, Transcribed):
        words.append(end.text)
    return isinstance(end, Transcribed | VoiceWindow | Tick) and not any(text.strip() for text in words)
