"""A listener that keeps what it is told, and a direct pipeline to three fake servers on virtual time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.transports.direct.server import Server, fixed
from interject.satellite.transports.direct.transport import DirectTransport, Identity
from interject.wire.events import Interrupt
from tools.testing.patience import expecting
from tools.testing.virtual_clock import elapse
from tools.virtual.network import FakeServer, Network, cancelled
from tools.virtual.servers import FakeBridge, FakeStt, FakeTts
from tools.virtual.signals import user_voice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from interject.wire.errors import InterjectError
    from interject.wire.events import WordMark

# Twice as long as any answer of a fake server takes.
_PATIENCE_S = 120.0


class Listener:
    """Keep what a pipeline says of each turn: texts, audio, marks, transcripts and failures."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}
        self.audio: dict[int, bytes] = {}
        self.marks: dict[int, list[WordMark]] = {}
        self.ended: list[int] = []
        self.failed: list[tuple[int, InterjectError]] = []
        self.transcripts: dict[int, str] = {}
        self.stt_failures: list[tuple[int, InterjectError]] = []
        self.partials: list[str] = []
        self.corrected: list[tuple[int, str]] = []
        self.changed = asyncio.Event()
        self.room = asyncio.Event()
        self.room.set()

    def partial(self, stream: int, text: str, confidence: float | None) -> None:
        self.partials.append(text)
        self.changed.set()

    def transcribed(self, stream: int, text: str, confidence: float | None) -> None:
        assert stream not in self.transcripts
        self.transcripts[stream] = text
        self.changed.set()

    def stt_failed(self, stream: int, error: InterjectError) -> None:
        self.stt_failures.append((stream, error))
        self.changed.set()

    def reply_text(self, epoch: int, text: str) -> None:
        self.texts[epoch] = text
        self.changed.set()

    def reply_marks(self, epoch: int, marks: tuple[WordMark, ...]) -> None:
        self.marks.setdefault(epoch, []).extend(marks)

    def reply_audio(self, epoch: int, audio: bytes, rate_hz: int) -> None:
        self.audio[epoch] = self.audio.get(epoch, b"") + audio
        self.changed.set()

    def reply_ended(self, epoch: int) -> None:
        assert epoch not in self.ended
        self.ended.append(epoch)
        self.changed.set()

    def reply_failed(self, epoch: int, error: InterjectError) -> None:
        self.failed.append((epoch, error))
        self.changed.set()

    def history_corrected(self, epoch: int, content: str) -> None:
        self.corrected.append((epoch, content))
        self.changed.set()

    async def room_for_audio(self, epoch: int) -> None:
        await self.room.wait()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds for what was told, and not a step of the loop longer."""
        try:
            async with expecting("the pipeline to tell its listener what is waited for", _PATIENCE_S):
                while not condition():
                    self.changed.clear()
                    await self.changed.wait()
        except AssertionError as error:
            error.add_note(f"--- it told: {vars(self)}")
            raise


class House:
    """The pipeline, its listener, its servers."""

    def __init__(self, words: int = 8) -> None:
        self.listener = Listener()
        self.stt = FakeStt({1: ("we live here", 8000)})
        self.bridge = FakeBridge(lambda _: words)
        self.tts = FakeTts()
        network = Network(self.stt, self.bridge, self.tts)
        self.transport = DirectTransport(
            stt=Server("stt", fixed(self.stt.uri), network.connect),
            llm=Server("llm", fixed(self.bridge.uri), network.connect),
            tts=Server("tts", fixed(self.tts.uri), network.connect),
            identity=Identity("kitchen", "conversation"),
        )

    def server(self, name: str) -> FakeServer:
        return {"stt": self.stt, "llm": self.bridge, "tts": self.tts}[name]

    @property
    def links(self) -> int:
        return sum(len(server.links) for server in (self.stt, self.bridge, self.tts))

    def speak(self, stream: int) -> None:
        """Send one utterance, and its end."""
        self.transport.open_stt(stream)
        for piece in np.split(user_voice(1, 8000), 25):
            self.transport.send_audio(stream, piece.tobytes())
        self.transport.end_stt(stream)

    def interrupt(self, epoch: int, heard: str = "", reason: str = "speech") -> None:
        self.transport.cancel(Interrupt(reason, epoch, self.listener.texts.get(epoch, ""), heard, 0))


@asynccontextmanager
async def running(words: int = 8, *, streaming_tts: bool = True) -> AsyncIterator[House]:
    """Run a pipeline; it must end without a trace."""
    house = House(words)
    house.tts.streaming = streaming_tts
    work = asyncio.get_running_loop().create_task(house.transport.run(house.listener))
    # By then the pipeline has asked each server what it can do.
    await elapse(0.01)
    try:
        yield house
        if work.done():
            work.result()
    finally:
        await cancelled(work)
        for server in (house.stt, house.bridge, house.tts):
            await server.stop()
