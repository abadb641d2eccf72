"""What a transport does for a conversation, and what it tells it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wyoming.event import Event

    from interject.satellite.wake.base import WakeWord
    from interject.wire.events import Interrupt, WordMark
    from interject.wire.trace import Record


_LOGGER = logging.getLogger(__name__)


class TransportListener(Protocol):
    """Takes what the servers say; called on the event loop, never blocks."""

    def partial(self, stream: int, text: str, confidence: float | None) -> None:
        """All words of a stream that are stable; confidence: how likely it is that they were said, 0 to 1, if known."""

    def transcribed(self, stream: int, text: str, confidence: float | None) -> None:
        """The final text of a stream; nothing more comes of it."""

    def stt_failed(self, stream: int, error: InterjectError) -> None:
        """A stream gives no text; nothing more comes of it."""

    def reply_text(self, epoch: int, text: str) -> None:
        """All text of a reply known so far."""

    def reply_marks(self, epoch: int, marks: tuple[WordMark, ...]) -> None:
        """When the next words of a reply sound."""

    def reply_audio(self, epoch: int, audio: bytes, rate_hz: int) -> None:
        """More of a reply's speech: 16-bit mono."""

    def reply_ended(self, epoch: int) -> None:
        """No more audio of a reply will come."""

    def reply_failed(self, epoch: int, error: InterjectError) -> None:
        """A stage of a reply failed; `reply_ended` still follows."""

    def history_corrected(self, epoch: int, content: str) -> None:
        """The bridge has noted what was heard of a reply."""

    async def room_for_audio(self, epoch: int) -> None:
        """Wait while more of a reply is buffered than it is worth keeping."""


class Room(Protocol):
    """What Home Assistant asks of a room besides conversation; called on the event loop, never blocks."""

    def announce(self) -> int:
        """Make way for an announcement; its audio comes as that of a reply with the epoch returned."""

    def mute(self) -> None:
        """Hear nothing until `unmute`."""

    def unmute(self) -> None:
        """Hear again."""

    def timer(self, event: Event) -> None:
        """A timer was started, updated, cancelled, or has finished."""

    def note(self, record: Record) -> None:
        """Record something for traces, hooks and the log."""


class RoomListener(TransportListener, Room, Protocol):
    """A room as Home Assistant sees it: it converses, and it can be asked for more."""


class Transport(Protocol):
    """Hears, thinks and speaks for a conversation; every call returns at once."""

    async def run(self, listener: RoomListener) -> None:
        """Work until cancelled."""

    def woken(self, word: WakeWord) -> None:
        """A wake word begins the utterance that is opened next."""

    def open_stt(self, stream: int) -> None:
        """Begin an utterance."""

    def send_audio(self, stream: int, audio: bytes) -> None:
        """Send some of an utterance: 16 kHz, 16-bit, mono."""

    def end_stt(self, stream: int) -> None:
        """End an utterance: its text is wanted now."""

    def abort_stt(self, stream: int) -> None:
        """Forget an utterance, also one whose text was told: it belongs to no question that is still to come."""

    def turn_dropped(self) -> None:
        """The user's turn is over, and nothing is asked."""

    def ask(self, epoch: int, text: str) -> None:
        """Have a reply generated and spoken."""

    def cancel(self, interrupt: Interrupt) -> None:
        """Stop generation and synthesis of an epoch, and tell the servers what was heard of it."""

    def played(self, epoch: int) -> None:
        """A reply or an announcement was heard to its end, or had nothing to hear."""


class TransportFaultError(InterjectError):
    """A fault of the satellite's own ended some work of the pipeline."""

    def __init__(self, work: str) -> None:
        super().__init__(f"{work} ended by a fault of the satellite; its log says which")
        self.work = work


async def survive(
    work: Callable[[], Coroutine[None, None, None]],
    name: str,
    give_up: Callable[[InterjectError], None] | None = None,
) -> None:
    """Do some work; a fault in it is logged, and `give_up` told."""
    try:
        await work()
    except Exception:
        _LOGGER.exception("%s ended by a fault of the satellite", name)
        if give_up is not None:
            give_up(TransportFaultError(name))
