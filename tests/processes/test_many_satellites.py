"""Twenty satellites on one set of servers, two of them real processes, and queues that are full."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.satellite.transports.direct.server import Server, fixed
from interject.satellite.transports.direct.transport import DirectTransport, Identity
from interject.wire.client import connect
from tests.processes.house import CLIPS, House, Running, satellite_flags, servers, started
from tools.testing.patience import expecting
from tools.testing.real_time import real_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.wire.errors import InterjectError
    from interject.wire.events import WordMark

CLIENTS = 18
# Every third one asks aloud, one after the other, as a satellite waits ten seconds for its words; the others type, so
# many at a time, as it waits one second for a server to say what it is.
ALOUD_EVERY = 3
TYPE_AT_A_TIME = 3
_RATE_HZ = 16_000
_CHUNK_BYTES = 640
_SILENCE_S = 0.5


@dataclass
class Listener:
    """What one satellite was told."""

    text: str | None = None
    reply: str = ""
    audio_s: float = 0.0
    marked: list[str] = field(default_factory=list)
    errors: list[InterjectError] = field(default_factory=list)
    told_event: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    transcribed_event: asyncio.Event = field(default_factory=asyncio.Event)

    def partial(self, stream: int, text: str, confidence: float | None) -> None:
        pass

    def transcribed(self, stream: int, text: str, confidence: float | None) -> None:
        self.text = text
        self.transcribed_event.set()

    def stt_failed(self, stream: int, error: InterjectError) -> None:
        self.errors.append(error)
        self.transcribed_event.set()

    def reply_text(self, epoch: int, text: str) -> None:
        self.reply = text
        self.told_event.set()

    def reply_marks(self, epoch: int, marks: tuple[WordMark, ...]) -> None:
        self.marked.extend(mark.text for mark in marks)

    def reply_audio(self, epoch: int, audio: bytes, rate_hz: int) -> None:
        self.audio_s += len(audio) / 2 / rate_hz

    def reply_ended(self, epoch: int) -> None:
        self.ended.set()

    def reply_failed(self, epoch: int, error: InterjectError) -> None:
        self.errors.append(error)

    def history_corrected(self, epoch: int, content: str) -> None:
        pass

    async def room_for_audio(self, epoch: int) -> None:
        pass


@contextlib.asynccontextmanager
async def pipeline(uris: dict[str, str], name: str, listener: Listener) -> AsyncIterator[DirectTransport]:
    servers = {kind: Server(kind, fixed(uri), connect) for kind, uri in uris.items()}
    made = DirectTransport(servers["stt"], servers["llm"], servers["tts"], Identity(name, name))
    running = asyncio.create_task(made.run(listener))
    # One step, in which it begins to run.
    await asyncio.sleep(0)
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def said(clip: str) -> bytes:
    """Return a clip and the silence in which a satellite waits whether more comes."""
    with wave.open(str(CLIPS / f"{clip}.wav")) as file:
        pcm: bytes = file.readframes(file.getnframes())
    return pcm + bytes(2 * int(_SILENCE_S * _RATE_HZ))


async def talk(
    uris: dict[str, str], name: str, pcm: bytes, turns: contextlib.AbstractAsyncContextManager[object]
) -> Listener:
    """Ask aloud when it is its turn, as fast as the server takes it, and take the whole answer."""
    listener = Listener()
    async with pipeline(uris, name, listener) as satellite:
        async with turns, expecting(f"the STT server to hear {name}"):
            satellite.open_stt(1)
            for start in range(0, len(pcm), _CHUNK_BYTES):
                satellite.send_audio(1, pcm[start : start + _CHUNK_BYTES])
            satellite.end_stt(1)
            await listener.transcribed_event.wait()
        if listener.text:
            await _answered(satellite, listener, name, listener.text)
    return listener


async def type_in(
    uris: dict[str, str], name: str, text: str, turns: contextlib.AbstractAsyncContextManager[object]
) -> Listener:
    """Ask by keyboard when it is its turn, and take the whole answer."""
    listener = Listener(text)
    async with turns, pipeline(uris, name, listener) as satellite:
        await _answered(satellite, listener, name, text)
    return listener


async def _answered(satellite: DirectTransport, listener: Listener, name: str, text: str) -> None:
    async with expecting(f"the servers to answer {name}"):
        satellite.ask(1, text)
        await listener.ended.wait()


@real_time
async def test_all_of_twenty_satellites_get_their_answer(tmp_path: Path) -> None:
    pcm = said("what_time_is_it")
    aloud, typed = asyncio.Lock(), asyncio.Semaphore(TYPE_AT_A_TIME)
    serving = servers(tmp_path / "servers", {})
    with started(serving):
        uris = {name: server.uri for name, server in serving.items()}
        # Each has the recogniser to itself, and the longer answer is still being spoken when the other one begins.
        said_at_s = {"count_to_twenty": 1.0, "what_time_is_it": 4.0}
        rooms = {clip: _in_room(tmp_path / clip, uris, clip, at_s) for clip, at_s in said_at_s.items()}
        real = House({f"satellite with {clip}": satellite for clip, satellite in rooms.items()})
        with started(real):
            # Who speaks in real time is not kept waiting by those who do not; the answers overlap.
            for satellite in real.values():
                await satellite.traced("ask")
            told = await asyncio.gather(
                *(
                    type_in(uris, f"satellite {number}", "what time is it", typed)
                    if number % ALOUD_EVERY
                    else talk(uris, f"satellite {number}", pcm, aloud)
                    for number in range(CLIENTS)
                )
            )
            for satellite in real.values():
                await satellite.traced("reply-received")
        for listener in told:
            assert not listener.errors
            assert listener.text == "what time is it"
            assert listener.reply.startswith("It is ")
            assert listener.audio_s > 1
            assert " ".join(listener.marked).split() == listener.reply.split()
        assert [each.trace("ask")[0]["text"] for each in rooms.values()] == ["count to twenty", "what time is it"]
        assert not any(each.trace("failed") for each in rooms.values())


def _in_room(folder: Path, uris: dict[str, str], clip: str, at_s: float) -> Running:
    """Give a real satellite, in a room where somebody speaks."""
    folder.mkdir()
    return Running("satellite", folder, satellite_flags(uris, folder, [(clip, "at_s", at_s)]))


async def test_a_full_queue_is_a_clear_error_and_nobody_else_s_matter(tmp_path: Path) -> None:
    pcm = said("stop")
    flags = {"stt": ("--max-sessions", "1", "--max-waiting", "1"), "llm": ("--max-requests", "2")}
    serving = servers(tmp_path, flags)
    with started(serving):
        uris = {name: server.uri for name, server in serving.items()}
        everywhere = asyncio.Semaphore(3)
        told = await asyncio.gather(*(talk(uris, name, pcm, everywhere) for name in "abc"))
        refused = [listener for listener in told if listener.errors]
        assert len(refused) == 1
        assert "(busy)" in str(refused[0].errors[0])
        assert [listener.text for listener in told].count("stop") == 2
        answered, refused_one = [Listener() for _ in range(2)], Listener()
        async with contextlib.AsyncExitStack() as stack:

            async def ask(listener: Listener, name: str, text: str) -> None:
                satellite = await stack.enter_async_context(pipeline(uris, name, listener))
                satellite.ask(1, text)

            for number, listener in enumerate(answered):
                # An answer so long that it is not over when the third one asks.
                await ask(listener, f"asker-{number}", "tell me a long story")
            async with expecting("the bridge to answer two and refuse one"):
                await asyncio.gather(*(listener.told_event.wait() for listener in answered))
                await ask(refused_one, "asker-2", "count to five")
                await refused_one.ended.wait()
            assert "(busy)" in str(refused_one.errors[0])
            for listener in answered:
                listener.told_event.clear()
            async with expecting("the bridge to go on with both answers"):
                await asyncio.gather(*(listener.told_event.wait() for listener in answered))
            assert not any(listener.errors for listener in answered)
