"""A satellite in direct mode that Home Assistant knows too: for announcements, timers and the mute switch."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.satellite.transports.wyoming.pipeline import HomeAssistantPipeline, HomeAssistantSettings

if TYPE_CHECKING:
    from interject.satellite.transports.base import Pipeline, RoomListener
    from interject.satellite.transports.wyoming.link import HomeAssistantLink
    from interject.satellite.wake.base import WakeWord
    from interject.wire.events import Interrupt


class WithHomeAssistant:
    """Turns are another pipeline's; Home Assistant has none of them, and is told of its own announcements only."""

    def __init__(self, turns: Pipeline, link: HomeAssistantLink) -> None:
        self._turns = turns
        self._home = HomeAssistantPipeline(link, HomeAssistantSettings())

    async def run(self, listener: RoomListener) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._turns.run(listener), name="turns")
            tasks.create_task(self._home.run(listener), name="Home Assistant")

    def woken(self, word: WakeWord) -> None:
        """A wake word began the utterance that is opened next."""
        self._turns.woken(word)

    def open_stt(self, stream: int) -> None:
        """Begin an utterance."""
        self._turns.open_stt(stream)

    def send_audio(self, stream: int, audio: bytes) -> None:
        """Send some of an utterance: 16 kHz, 16-bit, mono."""
        self._turns.send_audio(stream, audio)

    def end_stt(self, stream: int) -> None:
        """End an utterance: its text is wanted now."""
        self._turns.end_stt(stream)

    def abort_stt(self, stream: int) -> None:
        """Forget an utterance."""
        self._turns.abort_stt(stream)

    def turn_dropped(self) -> None:
        """The user's turn is over, and nothing is asked."""
        self._turns.turn_dropped()

    def ask(self, epoch: int, text: str) -> None:
        """Have a reply generated and spoken."""
        self._turns.ask(epoch, text)

    def cancel(self, interrupt: Interrupt) -> None:
        """Stop a reply, or an announcement of Home Assistant's."""
        (self._home if self._home.owns(interrupt.epoch) else self._turns).cancel(interrupt)

    def played(self, epoch: int) -> None:
        """A reply or an announcement was heard to its end, or had nothing to hear."""
        (self._home if self._home.owns(epoch) else self._turns).played(epoch)
