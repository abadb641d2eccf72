"""A satellite's long life with three servers of its own: they fail in each way, now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.satellite.transports.direct.server import Server, fixed
from interject.satellite.transports.direct.transport import DirectTransport, Identity
from interject.satellite.turn.settings import TurnSettings
from tools.hold.virtual_life import VirtualLife
from tools.testing.virtual_clock import elapse
from tools.virtual.network import Fault, Network
from tools.virtual.servers import FakeBridge, FakeStt, FakeTts
from tools.virtual.signals import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tools.virtual.network import FakeServer, Link

# What the user can say: its words and its length in seconds, by number.
_TEXTS = {1: ("what is this", 0.6), 2: ("tell me more", 0.6), 3: ("stop", 0.4), 4: ("and in french please", 0.9)}
# As many voices as the loudspeaker's are there.
_VOICES = 8
_WORDS = 8
_BACK_WITHIN_S = 12.0


class _Stt(FakeStt):
    """Forgets a connection that is gone."""

    def ended(self, link: Link) -> None:
        self._by_link.pop(link, None)


class _Tts(FakeTts):
    """Has the same few voices for any number of replies."""

    async def _say(self, link: Link, epoch: int, word: int) -> None:
        await super()._say(link, 1 + epoch % _VOICES, word)


class DirectLife(VirtualLife):
    """Speech recognition, language model and speech synthesis, each in memory."""

    def __init__(self) -> None:
        self._stt = _Stt({number: (text, round(s * RATE_HZ)) for number, (text, s) in _TEXTS.items()})
        self._bridge = FakeBridge(lambda _: _WORDS)
        self._tts = _Tts()
        network = Network(self._stt, self._bridge, self._tts)
        self._fakes: tuple[FakeServer, ...] = (self._stt, self._bridge, self._tts)
        self._servers = {
            kind: Server(kind, fixed(fake.uri), network.connect)
            for kind, fake in zip(("stt", "llm", "tts"), self._fakes, strict=True)
        }
        transport = DirectTransport(**self._servers, identity=Identity("kitchen", "conversation"))
        super().__init__("direct", transport, TurnSettings())

    @property
    def scenes(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What can happen, by name."""
        return {
            "question": lambda: self._say(1),
            "barge-in": lambda: self._say_into_reply(2),
            "stop word": lambda: self._say_into_reply(3),
            "typed into the reply": self._type_into_reply,
            "second thought": self._say_more,
            **{f"fault: {fault.value}": lambda fault=fault: self._fail(fault) for fault in Fault},  # type: ignore[misc]
        }

    def faults(self) -> list[str]:
        """Say what is still taken for broken, or held."""
        broken = [f"the {kind} server is taken for broken" for kind, server in self._servers.items() if server.error]
        return broken + [f"{fake.uri} has a connection" for fake in self._fakes if fake.links]

    def forget(self) -> None:
        """Drop what the servers remember."""
        self._stt.heard.clear()
        self._bridge.turns.clear()
        self._bridge.questions.clear()
        self._tts.interrupts.clear()

    async def _say(self, number: int) -> None:
        await self.say(number, _TEXTS[number][1])

    async def _say_into_reply(self, number: int) -> None:
        started = self.tally.counts["reply-started"]
        await self._say(1)
        await self.counted("reply-started", started, 5.0)
        await elapse(self.random.uniform(0.1, 1.4))
        await self._say(number)

    async def _type_into_reply(self) -> None:
        await self._say_into_reply(4)
        await elapse(self.random.uniform(0.0, 2.0))
        self.conversation.type_text("and in french")

    async def _say_more(self) -> None:
        await self._say(1)
        await elapse(self.random.uniform(0.1, 0.9))
        await self._say(2)

    async def _fail(self, fault: Fault) -> None:
        """Let a server fail somewhere in a turn, and be back a while later."""
        kind = self.random.choice(list(self._servers))
        fake = self._fakes[list(self._servers).index(kind)]
        await self.say(1, _TEXTS[1][1], whole=False)
        await elapse(self.random.uniform(0.0, 3.5))
        fake.fail(fault)
        await elapse(self.random.uniform(0.2, 4.0))
        fake.recover()
        await self.rests()
        await self.until(lambda: self._servers[kind].error is None, _BACK_WITHIN_S)
