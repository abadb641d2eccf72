"""Errors of the text-to-speech server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wire.errors import InterjectError, RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

# A list of all voices of espeak-ng is 2 kB, more than a log line or a message on a screen can show.
_NAMES_SHOWN = 24


class EngineError(InterjectError):
    """The engine failed at a sentence."""

    def __init__(self, engine: str, reason: str) -> None:
        super().__init__(f"{engine}: {reason}")
        self.engine = engine
        self.reason = reason


class UnknownNameError(RequestError):
    """A request names a voice, a language or a speaker that does not exist."""

    def __init__(self, what: str, name: str, known: Sequence[str], remedy: str = "") -> None:
        shown = ", ".join(known[:_NAMES_SHOWN]) or "none"
        more = f" and {len(known) - _NAMES_SHOWN} more" if len(known) > _NAMES_SHOWN else ""
        super().__init__(f"unknown-{what}", f"no {what} {name!r}{remedy}; there are {shown}{more}")
        self.what = what
        self.name = name
        self.known = tuple(known)
