"""Home Assistant as a satellite meets it: the TCP client that connects, asks for the info, pings, and runs pipelines.

Measured with Home Assistant 2026.11.0 and 2026.2.3, for each part: see the methods.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Self

from wyoming.audio import AudioChunk, AudioStop
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.satellite import PauseSatellite, RunSatellite
from wyoming.snd import Played
from wyoming.wake import Detection

from tools.fake_home_assistant.link import Link
from tools.fake_home_assistant.release import V2026_11, Release
from tools.fake_home_assistant.runs import Runs
from tools.fake_home_assistant.script import Turn, in_order
from tools.fake_home_assistant.speech import stream_announcement
from tools.fake_home_assistant.stages import ANY_STT, Stages, Stt
from tools.fake_home_assistant.wire_log import Entry, WireLog

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from wyoming.event import Event

    from tools.fake_home_assistant.link import Connect
    from tools.fake_home_assistant.script import Answer, Utterance


class SatelliteSilentError(Exception):
    """The satellite gave no event for so long that the link is dropped."""


class FakeHomeAssistant:
    """A context: connects on the way in, is gone on the way out; see the package for what it can do."""

    def __init__(
        self,
        connect: Connect,
        turns: Sequence[Turn] | Answer = (),
        release: Release = V2026_11,
        stt: Stt = ANY_STT,
        hears_wake_word: Callable[[bytes], str | None] | None = None,
        wake_ups: dict[str, float] | None = None,
    ) -> None:
        self.log = WireLog()
        self.info: Info | None = None
        # What STT got, one of each run that came to an end of speech.
        self.utterances: list[Utterance] = []
        self._connect = connect
        self._release = release
        self._times = release.times
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._answer = turns if callable(turns) else in_order(turns)
        self._stages = Stages(
            self._take_utterance,
            self._send,
            self._start,
            self._times,
            stt,
            hears_wake_word,
            wake_ups if wake_ups is not None else {},
        )
        self.runs = Runs(self._stages, release)
        self._link: Link | None = None
        self._muted = False
        self._unmuted = asyncio.Event()
        self._played = asyncio.Event()
        self._announcing = False

    async def __aenter__(self) -> Self:
        self._start(self._live(), "home assistant")
        self._start(self._describe_now_and_then(), "info")
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
        if self._link is not None:
            await self._link.close()

    async def connected(self, times: int = 1) -> None:
        """Wait until a connection was made and `run-satellite` sent, for the nth time."""
        await self.sent("run-satellite", times)

    async def received(self, kind: str, times: int = 1) -> Entry:
        """Wait for the nth event of a kind from the satellite, on whatever connection."""
        await self.log.until(
            lambda: len(self.log.of(kind, from_satellite=True)) >= times, f"the satellite to send {kind} number {times}"
        )
        return self.log.of(kind, from_satellite=True)[times - 1]

    async def sent(self, kind: str, times: int = 1) -> Entry:
        """Wait until the nth event of a kind has been sent to the satellite."""
        await self.log.until(
            lambda: len(self.log.of(kind, from_satellite=False)) >= times,
            f"Home Assistant to send {kind} number {times}",
        )
        return self.log.of(kind, from_satellite=False)[times - 1]

    async def heard(self, times: int = 1) -> Utterance:
        """Wait until STT has got its nth utterance."""
        await self.log.until(lambda: len(self.utterances) >= times, f"Home Assistant to hear utterance number {times}")
        return self.utterances[times - 1]

    async def announce(self, speech: bytes, synthesis_s: float = 0.0) -> bool:
        """Announce, and tell whether `played` came; there can be only one at a time.

        A run under way is cancelled first, silently. Then a bare `audio-start`, before synthesis; the audio;
        `audio-stop` without a timestamp; and the wait for `played`, or for the length of the audio and 0.5 s.
        """
        assert not self._announcing, "the real one says that the satellite is busy"
        self._announcing = True
        try:
            await self.runs.cancel()
            self._played.clear()
            length_s = await stream_announcement(speech, synthesis_s, self._send)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(length_s + self._times.played_grace if length_s else 0):
                    await self._played.wait()
            return self._played.is_set()
        finally:
            self._announcing = False

    def timer(self, event: Event) -> None:
        """Tell of a timer: `timer-started`, `-updated`, `-cancelled`, `-finished`; no audio comes with it."""
        self._start(self._send(event), "timer")

    def mute(self) -> None:
        """Turn the satellite's mute switch on: `pause-satellite`, and soon no more pings; the link stays open."""
        self._muted = True
        self._unmuted.clear()
        self.runs.stop_hearing()
        self._start(self._send(PauseSatellite().event()), "pause")

    def unmute(self) -> None:
        """Turn it off: a new connection with `run-satellite`.

        Within about 2 s of `mute` it has not been noticed: the old connection just goes on, without `run-satellite`.
        """
        self._muted = False
        self._unmuted.set()

    def drop_link(self) -> None:
        """Break the connection, as a network does; it comes back as after the satellite closed it, in 13 s."""
        if self._link is not None:
            self._link.abort()

    # The rest is its life, as it lives it by itself.

    async def _live(self) -> None:
        while True:
            while self._muted:
                await self._unmuted.wait()
            try:
                await self._connect_and_converse()
            except (OSError, SatelliteSilentError, EOFError) as error:
                self.runs.stop_hearing()
                await self.runs.cancel()
                await asyncio.sleep(self._times.restart)
                if not isinstance(error, SatelliteSilentError):
                    # Closing a link that is gone fails, which counts as an attempt to connect.
                    self._link = None
                    await asyncio.sleep(self._times.retry)

    async def _connect_and_converse(self) -> None:
        while True:
            if self._link is not None:
                await self._link.close()
                self._link = None
            try:
                self._link = await self._open()
                break
            except OSError:
                await asyncio.sleep(self._times.retry)
        await self._send(RunSatellite().event())
        while not self._muted:
            await self._converse(self._link)

    async def _converse(self, link: Link) -> None:
        """Ping 2 s after each pong, and give up when nothing at all has come for 5 s; audio counts."""
        phrase: str | None = None
        request: RunPipeline | None = None
        await self._send(Describe().event())
        self._start(self._ping_later(), "ping")
        reading = self._start_reading(link)
        try:
            while not self._muted:
                ended = asyncio.ensure_future(self.runs.ended.wait())
                try:
                    done, _ = await asyncio.wait(
                        {reading, ended}, timeout=self._times.silence, return_when=asyncio.FIRST_COMPLETED
                    )
                finally:
                    ended.cancel()
                if not done:
                    raise SatelliteSilentError
                if ended in done:
                    self.runs.ended.clear()
                    phrase = None
                    if request is not None and request.restart_on_end and self.runs.restarts:
                        self.runs.start(request, None)
                if reading in done:
                    event = reading.result()
                    reading = self._start_reading(link)
                    phrase, request = await self._take(event, phrase, request)
                    self.log.changed()
        finally:
            reading.cancel()
            await asyncio.wait({reading})

    async def _take(
        self, event: Event, phrase: str | None, request: RunPipeline | None
    ) -> tuple[str | None, RunPipeline | None]:
        """Act on an event of the satellite; what is unknown or unexpected is ignored."""
        if Pong.is_type(event.type):
            self._start(self._ping_later(), "ping")
        elif Ping.is_type(event.type):
            await self._send(Pong(text=Ping.from_event(event).text).event())
        elif RunPipeline.is_type(event.type):
            request = RunPipeline.from_event(event)
            self.runs.start(request, phrase)
        elif AudioChunk.is_type(event.type):
            if not self.runs.running and phrase is not None and self._release.detection_begins_run:
                self.runs.start(RunPipeline(PipelineStage.ASR, PipelineStage.TTS), phrase)
            self.runs.hear(AudioChunk.from_event(event).audio)
        elif AudioStop.is_type(event.type):
            if self.runs.running:
                self.runs.stop_hearing()
        elif Detection.is_type(event.type):
            phrase = self._phrase_of(Detection.from_event(event).name)
        elif Info.is_type(event.type):
            self.info = Info.from_event(event)
        elif Played.is_type(event.type):
            self._played.set()
        return phrase, request

    def _take_utterance(self, utterance: Utterance) -> Turn:
        self.utterances.append(utterance)
        self.log.changed()
        return self._answer(utterance)

    def _phrase_of(self, name: str | None) -> str | None:
        models = [model for program in (self.info.wake if self.info else ()) for model in program.models]
        return next((model.phrase or model.name for model in models if model.name == name), name)

    async def _ping_later(self) -> None:
        await asyncio.sleep(self._times.ping)
        await self._send(Ping().event())

    async def _describe_now_and_then(self) -> None:
        """Ask for the info over a connection of its own: when the satellite is added, and 2026.11 every 30 s."""
        while True:
            with contextlib.suppress(OSError):
                link = await self._open()
                try:
                    await link.send(Describe().event())
                    await link.receive()
                finally:
                    await link.close()
            await asyncio.sleep(self._times.describe)
            if not self._release.describes_again:
                return

    async def _open(self) -> Link:
        reader, writer = await self._connect()
        return Link(next(self._numbers), reader, writer, self.log)

    async def _send(self, event: Event) -> None:
        """Send over the live connection; without one it is lost."""
        if self._link is not None:
            with contextlib.suppress(OSError):
                await self._link.send(event)

    def _start_reading(self, link: Link) -> asyncio.Task[Event]:
        return asyncio.create_task(link.receive(), name="read the satellite")

    def _start(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"fake home assistant: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
