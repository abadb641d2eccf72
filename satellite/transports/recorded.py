"""A pipeline whose speech recognition audio is recorded on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.satellite.frontend.recording import Recorder
    from interject.satellite.transports.base import RoomListener, Transport
    from interject.satellite.wake.base import WakeWord
    from interject.wire.events import Interrupt


class RecordedTransport:
    """Passes everything on, and gives each stream's audio to a recorder too."""

    def __init__(self, transport: Transport, recorder: Recorder) -> None:
        self._transport = transport
        self._recorder = recorder

    async def run(self, listener: RoomListener) -> None:
        """Work until cancelled."""
        await self._transport.run(listener)

    def woken(self, word: WakeWord) -> None:
        """A wake word begins the utterance that is opened next."""
        self._transport.woken(word)

    def open_stt(self, stream: int) -> None:
        """Begin an utterance."""
        self._transport.open_stt(stream)

    def send_audio(self, stream: int, audio: bytes) -> None:
        """Send some of an utterance: 16 kHz, 16-bit, mono."""
        self._recorder.write(stream, audio)
        self._transport.send_audio(stream, audio)

    def end_stt(self, stream: int) -> None:
        """End an utterance: its text is wanted now."""
        self._recorder.close(stream)
        self._transport.end_stt(stream)

    def abort_stt(self, stream: int) -> None:
        """Forget an utterance."""
        self._recorder.close(stream)
        self._transport.abort_stt(stream)

    def turn_dropped(self) -> None:
        """The user's turn is over, and nothing is asked."""
        self._transport.turn_dropped()

    def ask(self, epoch: int, text: str) -> None:
        """Have a reply generated and spoken."""
        self._transport.ask(epoch, text)

    def cancel(self, interrupt: Interrupt) -> None:
        """Stop generation and synthesis of an epoch, and tell the servers what was heard of it."""
        self._transport.cancel(interrupt)

    def played(self, epoch: int) -> None:
        """A reply or an announcement was heard to its end, or had nothing to hear."""
        self._transport.played(epoch)
