"""Home Assistant's own wake word: the microphone is streamed while it has nothing else to do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.satellite.wake.base import Role, WakeWord, phrase_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.satellite.audio.base import Samples
    from interject.satellite.transports.wyoming.transport import HomeAssistantTransport
    from interject.satellite.wake.base import WordModel


class HomeAssistantWake:
    """Listens through the transport, which must have been set to wake in Home Assistant."""

    def __init__(self, transport: HomeAssistantTransport) -> None:
        self._transport = transport

    @property
    def words(self) -> tuple[WordModel, ...]:
        """Nothing that we know of: the words are set in Home Assistant."""
        return ()

    async def run(self, heard: Callable[[WakeWord], None]) -> None:
        """Work until cancelled; calls `heard` on the event loop."""

        def told(name: str) -> None:
            heard(WakeWord(name, phrase_of(name), Role.WAKE, end_index=None))

        self._transport.on_word(told)
        await asyncio.Event().wait()

    def push(self, samples: Samples, end_index: int) -> None:
        """Take the next 16 kHz samples. Never blocks, never raises."""
        del end_index
        self._transport.push(samples.tobytes())
