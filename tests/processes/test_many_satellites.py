"""Twenty satellites on one set of servers, two of them real processes, and queues that are full."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from satellite.pipelines.direct import DirectPipeline, Identity
from satellite.pipelines.server import Server, fixed
from tests.patience import expecting
from tests.processes.house import CLIPS, House, Running, house, satellite_flags, started
from tests.real_time import real_time
from wire.client import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wire.errors import InterjectError
    from wire.events import WordMark

CLIENTS = 18
# So many of them wait for their words at a time, on as many decoders: a satellite waits ten seconds, no longer.
AT_A_TIME = 2
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
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    transcribed_event: asyncio.Event = field(default_factory=asyncio.Event)

    def partial(self, stream: int, text: str) -> None:
        pass

    def transcribed(self, stream: int, text: str) -> None:
        self.text = text
        self.transcribed_event.set()

    def stt_failed(self, stream: int, error: InterjectError) -> None:
        self.errors.append(error)
        self.transcribed_event.set()

    def reply_text(self, epoch: int, text: str) -> None:
        self.reply = text

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
async def pipeline(uris: dict[str, str], name: str, listener: Listener) -> AsyncIterator[DirectPipeline]:
    servers = {kind: Server(kind, fixed(uri), connect) for kind, uri in uris.items()}
    made = DirectPipeline(servers["stt"], servers["llm"], servers["tts"], Identity(name, name))
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
    uris: dict[str, str], name: str, pcm: bytes, place: contextlib.AbstractAsyncContextManager[object]
) -> Listener:
    """Ask aloud when there is a place, as fast as the server takes it, and take the whole answer."""
    listener = Listener()
    async with pipeline(uris, name, listener) as satellite:
        async with place, expecting(f"the STT server to hear {name}"):
            satellite.open_stt(1)
            for start in range(0, len(pcm), _CHUNK_BYTES):
                satellite.send_audio(1, pcm[start : start + _CHUNK_BYTES])
            satellite.end_stt(1)
            await listener.transcribed_event.wait()
        if listener.text:
            async with expecting(f"the servers to answer {name}"):
                satellite.ask(1, listener.text)
                await listener.ended.wait()
    return listener


@real_time
async def test_all_of_twenty_satellites_get_their_answer(tmp_path: Path) -> None:
    pcm = said("what_time_is_it")
    places = asyncio.Semaphore(AT_A_TIME)
    names = [f"satellite {number}" for number in range(1, CLIENTS + 1)]
    flags = {"stt": ("--max-sessions", str(AT_A_TIME), "--max-waiting", str(CLIENTS))}

    with house(tmp_path / "house", flags=flags) as running:
        uris = {name: process.uri for name, process in running.items() if name != "satellite"}
        # The first ones load a decoder each.
        told = await asyncio.gather(*(talk(uris, name, pcm, places) for name in names[:AT_A_TIME]))
        rooms = {clip: _in_room(tmp_path / clip, uris, clip) for clip in ("what_time_is_it", "count_to_twenty")}
        real = House({f"satellite with {clip}": satellite for clip, satellite in rooms.items()})
        with started(real):
            # Who speaks in real time is not kept waiting by those who do not; the answers overlap.
            for satellite in real.values():
                await satellite.traced("ask")
            told += await asyncio.gather(*(talk(uris, name, pcm, places) for name in names[AT_A_TIME:]))
            for satellite in real.values():
                await satellite.traced("reply-received")
        for listener in told:
            assert not listener.errors
            assert listener.text == "what time is it"
            assert listener.reply.startswith("It is ")
            assert listener.audio_s > 1
            assert " ".join(listener.marked).split() == listener.reply.split()
        assert [each.trace("ask")[0]["text"] for each in rooms.values()] == ["what time is it", "count to twenty"]
        assert not any(each.trace("failed") for each in rooms.values())


def _in_room(folder: Path, uris: dict[str, str], clip: str) -> Running:
    """Give a real satellite, in a room where somebody speaks."""
    folder.mkdir()
    return Running("satellite", folder, satellite_flags(uris, folder, [(clip, "at_s", 1.0)]))


async def test_a_full_queue_is_a_clear_error_and_nobody_else_s_matter(tmp_path: Path) -> None:
    pcm = said("stop")
    flags = {"stt": ("--max-sessions", "1", "--max-waiting", "1"), "llm": ("--max-requests", "2")}
    with house(tmp_path, flags=flags) as running:
        uris = {name: process.uri for name, process in running.items() if name != "satellite"}
        everywhere = asyncio.Semaphore(3)
        told = await asyncio.gather(*(talk(uris, name, pcm, everywhere) for name in "abc"))
        refused = [listener for listener in told if listener.errors]
        assert len(refused) == 1
        assert "(busy)" in str(refused[0].errors[0])
        assert [listener.text for listener in told].count("stop") == 2
        listeners = [Listener() for _ in range(3)]
        async with contextlib.AsyncExitStack() as stack:
            for number, listener in enumerate(listeners):
                satellite = await stack.enter_async_context(pipeline(uris, f"asker-{number}", listener))
                satellite.ask(1, "count to five")
            async with expecting("the bridge to answer two and refuse one"):
                await asyncio.gather(*(listener.ended.wait() for listener in listeners))
        refused = [listener for listener in listeners if listener.errors]
        assert len(refused) == 1
        assert "(busy)" in str(refused[0].errors[0])
        assert [listener.reply for listener in listeners].count("One, two, three, four, five.") == 2
