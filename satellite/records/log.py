"""Which records of the trace stand in the log, and in which words."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from interject.satellite.duplex.monitor import log_duplex_mode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LOGGER = logging.getLogger(__name__)

_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "phase": lambda it: f"{it['was']} -> {it['phase']}",
    "detection": lambda it: f"heard the {it['role']} word: {it['phrase']}",
    "ask": lambda it: f"heard the question: {it['text']}",
    "interrupt": lambda it: f"interrupted ({it['reason']}) after {it['heard']!r}",
    "announcement": lambda _: "makes way for an announcement",
    "connected": lambda it: f"Home Assistant connected: {it['uri']}",
    "disconnected": lambda it: f"Home Assistant disconnected: {it['uri']}",
    "muted": lambda it: f"the microphone is off (by {it['by']})",
    "unmuted": lambda it: f"the microphone is on (by {it['by']})",
    "still-muted": lambda it: f"the microphone stays off; {it['by']} switched it {it['switched']}",
    "listen-now": lambda _: "asked to listen",
    "stop-now": lambda _: "asked to stop",
    "volume": lambda it: f"the volume is {it['percent']} %",
    "timer-finished": lambda it: f"a timer has finished: {it['name'] or 'it has no name'}",
    # Who caused it has warned of the first of a row.
    "failed": lambda it: f"{it['stage']} failed: {it['error']}",
    "error": lambda it: f"Home Assistant reports {it['code']}: {it['text']}",
}


class LogTrace:
    """Logs what a person who runs the satellite wants to follow."""

    def emit(self, kind: str, **fields: Any) -> None:
        """Record that something happened now."""
        if kind in ("duplex-mode", "empty-interruption"):
            log_duplex_mode(kind, fields)
        elif kind in _SENTENCES:
            _LOGGER.info("%s", _SENTENCES[kind](fields))
