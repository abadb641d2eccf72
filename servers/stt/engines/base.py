"""What the server needs of an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wyoming.info import AsrProgram

    from interject.servers.stt.agreement import Hypothesis


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for: the language, or None to find out, and words that may well occur."""

    language: str | None = None
    names: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcription:
    """The best text for a whole utterance, empty when nothing was said, and its language.

    confidence: how likely it is, from 0 to 1, that somebody said these words; None where the engine cannot tell.
    figures: the engine's own, by name, which it is worked out from.
    """

    text: str
    language: str | None
    confidence: float | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


class Recognition(Protocol):
    """One utterance. Its methods block; one thread calls them, except for `abort`."""

    def hear(self, pcm: bytes) -> Hypothesis | None:
        """Take more audio (16 kHz, 16 bits, mono); return what it all says by now, None when there is no news."""

    def finish(self, rest: bytes = b"") -> Transcription:
        """Take the rest of the audio, if any; return the best text for all of it."""

    def abort(self) -> None:
        """Make a call of `hear` or `finish` that is under way return soon; called from any thread, more than once."""

    def close(self) -> None:
        """Give back what the utterance held; nothing else is called afterwards."""


class Engine(Protocol):
    """A way to transcribe."""

    @property
    def settle_s(self) -> float:
        """How long ago the last word of a hypothesis must have ended to be stable, in seconds."""

    def info(self) -> AsrProgram:
        """Describe the engine and its models."""

    async def start(self) -> None:
        """Load what is on this machine, or begin to download; raises InterjectError for what can never work."""

    async def ready(self) -> None:
        """Wait until the engine can transcribe; raises ModelError, saying why, when it cannot or not in time."""

    async def keep(self) -> None:
        """Do what is to be done while it serves, and return when nothing is; raises InterjectError if it never can."""

    def open(self, request: Request) -> Recognition:
        """Begin an utterance; blocks, called on the thread that goes on with it. Raises RequestError."""
