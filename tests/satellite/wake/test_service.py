"""A wake word service as others are, over TCP, with a real engine behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from wyoming.audio import AudioChunk
from wyoming.info import Attribution, Info, WakeModel, WakeProgram
from wyoming.wake import Detect, Detection

from interject.satellite.settings.wake import WakeEngine, WakeWordName
from interject.satellite.transports.direct.server import Server, fixed
from interject.satellite.wake.base import RATE_HZ, Role
from interject.satellite.wake.choice import WordChoice, make_detector
from interject.wire.client import connect
from interject.wire.service import Service
from tests.satellite.wake.sound import Ears, ear, listening, pieces_of, with_silence
from tools.testing.patience import eventually

if TYPE_CHECKING:
    from wyoming.event import Event

    from interject.satellite.audio.base import Samples
    from interject.satellite.wake.base import WakeWord
    from interject.wire.peer import Peer

WORD = "okay_nabu"


class WakeHouse:
    """Starts the service, and again at the same address; a detection has the timestamp of its chunk."""

    def __init__(self) -> None:
        self.uri = "tcp://127.0.0.1:0"
        self.asked: list[list[str] | None] = []
        self.taken = 0
        self._ear = ear(WakeEngine.MICRO, WORD)
        self._service: Service | None = None

    async def start(self) -> None:
        nobody = Attribution("", "")
        model = WakeModel(WORD, nobody, True, None, None, ["en"], None)
        info = Info(wake=[WakeProgram("plain", nobody, True, None, None, [model])])
        self._service = Service(self.uri, lambda: info, lambda peer: WakeSession(peer, self))
        self.uri = await self._service.start()

    async def stop(self) -> None:
        assert self._service is not None
        await self._service.stop()

    def ask(self, names: list[str] | None) -> None:
        self.asked.append(names)

    def take(self, samples: Samples) -> list[WakeWord]:
        self.taken += len(samples)
        return list(self._ear.hear(samples, self.taken))

    async def until_taken(self, samples: int) -> None:
        await eventually(lambda: self.taken == samples, f"the service to take {samples} samples")

    async def until_asked(self, times: int) -> None:
        await eventually(lambda: len(self.asked) == times, f"the service to be asked {times} times")


class WakeSession:
    """One connection."""

    def __init__(self, peer: Peer, house: WakeHouse) -> None:
        self._peer = peer
        self._house = house

    async def handle(self, event: Event) -> None:
        if Detect.is_type(event.type):
            self._house.ask(Detect.from_event(event).names)
        elif AudioChunk.is_type(event.type):
            chunk = AudioChunk.from_event(event)
            for word in self._house.take(np.frombuffer(chunk.audio, "<i2")):
                await self._peer.send(Detection(name=word.name, timestamp=chunk.timestamp).event())


@pytest.fixture
def house() -> WakeHouse:
    return WakeHouse()


async def say(ears: Ears, house: WakeHouse, first: int) -> int:
    """Push the wake word, as fast as the service takes it; return one past the last index."""
    samples, before = with_silence(WORD), house.taken
    for piece, end in pieces_of(samples, 1024, first):
        ears.detector.push(piece, end)
        await house.until_taken(before + end - first)
    return first + len(samples)


async def test_a_service_hears_the_word_also_after_it_was_restarted(house: WakeHouse) -> None:
    await house.start()
    choice = WordChoice(wake=(WakeWordName(WORD, "Kitchen"),), refractory_s=0.0)
    detector = await make_detector(choice, Server("wake", fixed(house.uri), connect))
    try:
        async with listening(detector) as ears:
            await house.until_asked(1)
            first = 1_000_000
            end = await say(ears, house, first)
            await ears.until(1)
            await house.stop()
            await house.start()
            await house.until_asked(2)
            assert house.asked == [[WORD]] * 2
            await say(ears, house, end)
            await ears.until(2)
        assert [(word.name, word.role, word.pipeline) for word in ears.heard] == [(WORD, Role.WAKE, "Kitchen")] * 2
        (told, _) = ears.heard
        assert told.end_index is not None
        # The word is said after a second of silence.
        assert first + RATE_HZ // 2 < told.end_index < end - RATE_HZ
    finally:
        await house.stop()
