"""A satellite's long life with Home Assistant: links break, announcements and mutes come, and its servers fail."""

from __future__ import annotations

import tempfile
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.transports.wyoming.link import HomeAssistantLink
from interject.satellite.transports.wyoming.transport import HomeAssistantSettings, HomeAssistantTransport
from interject.satellite.turn.settings import Judgement, TurnSettings
from interject.wire.service import Service
from tools.fake_home_assistant.link import connector
from tools.fake_home_assistant.peer import FakeHomeAssistant
from tools.fake_home_assistant.script import SPEECH_RATE_HZ, Reply, Turn
from tools.hold.virtual_life import Lived, VirtualLife
from tools.testing.virtual_clock import elapse
from tools.virtual.home_assistant_house import info
from tools.virtual.room import samples_of
from tools.virtual.signals import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tools.fake_home_assistant.link import Connect
    from tools.fake_home_assistant.script import Utterance

# What is said by number, and how long it takes in seconds.
_UTTERANCES = _QUESTION, _OTHER, _SPEECH_FAILS, _NO_TEXT = 1, 2, 3, 4
_LENGTH_S = 0.7
# A recogniser needs more than the first sound of a word.
_UNDERSTOOD = round(0.2 * RATE_HZ)
_REPLY_S = 1.6
_ANNOUNCEMENT_S = 0.8
# 13 s from a broken link to the next, and a ping.
_BACK_WITHIN_S = 30.0


def _answer(received: Utterance) -> Turn:
    audio = np.frombuffer(received.audio, "<i2")
    heard = [
        number for number in (_QUESTION, _OTHER, _SPEECH_FAILS, _NO_TEXT) if samples_of(audio, number) > _UNDERSTOOD
    ]
    if not heard or heard[-1] == _NO_TEXT:
        return Turn("", error="stt-no-text-recognized")
    speech = _tone(_REPLY_S)
    failing = 3 if heard[-1] == _SPEECH_FAILS else None
    reply = Reply("an answer", speech, thinking_s=0.1, pace_s=0.03, fails_after_chunks=failing)
    return Turn(f"question {heard[-1]}", reply, stt_s=0.05)


@cache
def _tone(seconds: float) -> bytes:
    times_s = np.arange(round(seconds * SPEECH_RATE_HZ)) / SPEECH_RATE_HZ
    speech: bytes = (8_000 * np.sin(2 * np.pi * 500 * times_s)).astype("<i2").tobytes()
    return speech


class HomeAssistantLife(VirtualLife):
    """Home Assistant as the fake has it, over a socket."""

    def __init__(self, link: HomeAssistantLink, connect: Connect) -> None:
        transport = HomeAssistantTransport(link, HomeAssistantSettings())
        super().__init__("home-assistant", transport, TurnSettings(judgement=Judgement.DURATION))
        self.home = FakeHomeAssistant(connect, _answer)

    @property
    def scenes(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What can happen, by name."""
        return {
            "question": lambda: self.say(_QUESTION, _LENGTH_S),
            "barge-in": lambda: self._say_into_reply(_OTHER),
            "no text": lambda: self.say(_NO_TEXT, _LENGTH_S),
            "speech fails": lambda: self.say(_SPEECH_FAILS, _LENGTH_S),
            "announcement": self._announce,
            "link breaks": self._drop_link,
            "mute": self._mute,
            "stopped": self._stop,
        }

    def faults(self) -> list[str]:
        """Say what is still broken."""
        return ["Home Assistant no longer listens"] if self.home.runs.deaf else []

    def forget(self) -> None:
        """Drop what the fake remembers."""
        self.home.log.forget()
        self.home.utterances.clear()

    async def _say_into_reply(self, number: int) -> None:
        started = self.tally.counts["reply-started"]
        await self.say(_QUESTION, _LENGTH_S)
        await self.counted("reply-started", started, 5.0)
        await elapse(self.random.uniform(0.1, 1.2))
        await self.say(number, _LENGTH_S)

    async def _stop(self) -> None:
        await self.say(_QUESTION, _LENGTH_S)
        await elapse(self.random.uniform(0.0, 2.0))
        self.conversation.stop()

    async def _announce(self) -> None:
        await self.say(_QUESTION, _LENGTH_S)
        await elapse(self.random.uniform(0.0, 3.0))
        await self.home.announce(_tone(_ANNOUNCEMENT_S))

    async def _drop_link(self) -> None:
        """Break it somewhere in a turn; all is well when it is back."""
        connected = len(self.home.log.of("run-satellite", from_satellite=False))
        await self.say(_QUESTION, _LENGTH_S, whole=False)
        await elapse(self.random.uniform(0.0, 3.5))
        self.home.drop_link()
        await self._connected(connected)

    async def _mute(self) -> None:
        connected = len(self.home.log.of("run-satellite", from_satellite=False))
        await self.say(_QUESTION, _LENGTH_S, whole=False)
        await elapse(self.random.uniform(0.0, 3.5))
        self.home.mute()
        # Sooner it would not be noticed, and no new connection be made.
        await elapse(self.random.uniform(6.0, 20.0))
        self.home.unmute()
        await self._connected(connected)

    async def _connected(self, times: int) -> None:
        sent = "run-satellite"
        await self.until(lambda: len(self.home.log.of(sent, from_satellite=False)) > times, _BACK_WITHIN_S)
        await elapse(1.0)


async def home_assistant_life(hours: float, patience_s: float) -> Lived:
    """Live for some hours of the event loop's clock, which must be virtual; fewer when real time runs out."""
    link = HomeAssistantLink()
    with tempfile.TemporaryDirectory() as folder:
        service = Service(f"unix://{folder}/satellite", info, link.session)
        life = HomeAssistantLife(link, connector(await service.start()))
        try:
            async with life.home:
                await life.home.connected()
                return await life.live(hours, patience_s)
        finally:
            await service.stop()
