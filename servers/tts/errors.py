"""Errors of the text-to-speech server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError, RequestError
from interject.wire.likeness import did_you_mean

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


class LastingError(EngineError):
    """The engine fails for a reason that does not pass by itself: what is wrong is on this machine."""


class UnknownNameError(RequestError):
    """A request names a voice, a language or a speaker that does not exist."""

    def __init__(self, what: str, name: str, known: Sequence[str], where: str = "", hint: str = "") -> None:
        """`known`: all names that there are; `hint`: what else may help."""
        shown = ", ".join(known[:_NAMES_SHOWN]) or "none"
        more = f" and {len(known) - _NAMES_SHOWN} more" if len(known) > _NAMES_SHOWN else ""
        parts = (f"no {what} {name!r}{where}", f"there are {shown}{more}", hint or did_you_mean(name, known))
        super().__init__(f"unknown-{what}", "; ".join(filter(None, parts)))
        self.what = what
        self.name = name
        self.known = tuple(known)
