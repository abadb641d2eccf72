"""A satellite's Home Assistant pipeline and a fake Home Assistant, over a real socket, on a virtual clock."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from wyoming.info import Attribution, Info, Satellite

from interject.satellite.transports.wyoming.link import HomeAssistantLink
from interject.satellite.transports.wyoming.transport import HomeAssistantSettings, HomeAssistantTransport
from interject.satellite.wake.base import Role, WakeWord
from interject.wire.events import Interrupt
from interject.wire.service import Service
from tools.fake_home_assistant.link import connector
from tools.fake_home_assistant.peer import FakeHomeAssistant
from tools.virtual.listener import Listener
from tools.virtual.network import cancelled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from wyoming.event import Event

    from interject.wire.trace import Record
    from tools.fake_home_assistant.script import Answer, Turn

RATE_HZ = 16_000
# What the conversation hands over at a time.
BLOCK_S = 0.02
# A second word differs from the first, so that each is known by its samples.
FIRST, SECOND, THIRD = 2000, 3000, 4000


class Room(Listener):
    """Asks what it hears, as a conversation would, and takes note of the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.transport: HomeAssistantTransport | None = None
        self.asks = True
        self.epoch = 0
        self.announcements: list[int] = []
        self.mutes: list[str] = []
        self.timers: list[Event] = []
        self.notes: list[tuple[str, dict[str, object]]] = []

    def transcribed(self, stream: int, text: str, confidence: float | None) -> None:
        super().transcribed(stream, text, confidence)
        if text and self.asks and self.transport is not None:
            self.epoch += 1
            self.transport.ask(self.epoch, text)

    def announce(self) -> int:
        self.epoch += 1
        self.announcements.append(self.epoch)
        self.changed.set()
        return self.epoch

    def mute(self) -> None:
        self.mutes.append("mute")
        self.changed.set()

    def unmute(self) -> None:
        self.mutes.append("unmute")
        self.changed.set()

    def timer(self, event: Event) -> None:
        self.timers.append(event)
        self.changed.set()

    def note(self, record: Record) -> None:
        self.notes.append((record.KIND, record.fields()))
        self.changed.set()

    def noted(self, kind: str) -> list[dict[str, object]]:
        return [fields for noted, fields in self.notes if noted == kind]


def voice(seconds: float, value: int = FIRST) -> bytes:
    return np.full(round(seconds * RATE_HZ), value, np.int16).tobytes()


def quiet(seconds: float) -> bytes:
    return bytes(round(seconds * RATE_HZ) * 2)


class House:
    """Both ends, and a user who speaks."""

    def __init__(
        self,
        link: HomeAssistantLink,
        service: Service,
        transport: HomeAssistantTransport,
        room: Room,
        home: FakeHomeAssistant,
    ) -> None:
        self.link = link
        self.service = service
        self.transport = transport
        self.room = room
        self.home = home

    async def say(self, stream: int, audio: bytes) -> None:
        """Hand over audio as it is spoken."""
        step = round(BLOCK_S * RATE_HZ) * 2
        for at in range(0, len(audio), step):
            self.transport.send_audio(stream, audio[at : at + step])
            await asyncio.sleep(BLOCK_S)

    async def speak(self, stream: int, audio: bytes) -> None:
        """Speak one utterance from its beginning to its end."""
        self.transport.open_stt(stream)
        await self.say(stream, audio)
        self.transport.end_stt(stream)

    async def speaking(self, epoch: int) -> None:
        """Wait until a reply has begun to come."""
        await self.room.until(lambda: self.room.audio.get(epoch))

    async def answered(self, epoch: int) -> None:
        """Wait until a reply has come whole."""
        await self.room.until(lambda: epoch in self.room.ended)

    def interrupt(self, epoch: int, reason: str = "speech") -> None:
        self.transport.cancel(Interrupt(reason, epoch, self.room.texts.get(epoch, "")))

    def wake(self, name: str, pipeline: str | None = None) -> None:
        """Say a wake word that the satellite itself listens for."""
        self.transport.woken(WakeWord(name, name, Role.WAKE, end_index=None, pipeline=pipeline))

    def pipelines(self) -> list[str | None]:
        """Return which pipeline each run that was no null run asked for."""
        runs = [e.event for e in self.home.log.of("run-pipeline", from_satellite=True)]
        return [run.data.get("name") for run in runs if run.data["start_stage"] != "tts"]

    def from_satellite(self, *kinds: str) -> list[str]:
        """Return what Home Assistant was sent of these kinds, in order; a null run is told from a real one."""
        return [
            "null" if e.event.type == "run-pipeline" and e.event.data["start_stage"] == "tts" else e.event.type
            for e in self.home.log.entries
            if e.from_satellite and e.event.type in kinds
        ]


def info() -> Info:
    return Info(
        satellite=Satellite(
            name="kitchen", description="", attribution=Attribution("", ""), installed=True, version="1", area=None
        )
    )


@asynccontextmanager
async def house(
    turns: Sequence[Turn] | Answer = (),
    settings: HomeAssistantSettings | None = None,
    parts: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[House]:
    """Run both until they know each other; `parts` are stt, llm and marks, `options` those of the fake."""
    link = HomeAssistantLink()
    room = Room()
    transport = HomeAssistantTransport(link, settings or HomeAssistantSettings(), **(parts or {}))
    room.transport = transport
    with tempfile.TemporaryDirectory() as folder:
        service = Service(f"unix://{folder}/satellite", info, link.session)
        uri = await service.start()
        work = asyncio.create_task(transport.run(room))
        try:
            async with FakeHomeAssistant(connector(uri), turns, **options) as home:
                await home.connected()
                await room.until(lambda: room.noted("connected"))
                yield House(link, service, transport, room, home)
                if work.done():
                    work.result()
        finally:
            await cancelled(work)
            await service.stop()
