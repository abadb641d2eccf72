"""Our own STT server listens to what may be an interruption, while Home Assistant is not asked yet."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from interject.satellite.transports.assist.events import OwnFailed, OwnText
from interject.satellite.transports.base import survive
from interject.satellite.transports.direct.stt_stream import SttStream

if TYPE_CHECKING:
    import asyncio

    from interject.satellite.transports.assist.events import Event
    from interject.satellite.transports.direct.server import Server
    from interject.wire.errors import InterjectError


class OwnSttListener(Protocol):
    """Takes what our own STT server makes out."""

    def partial(self, stream: int, text: str, confidence: float | None) -> None:
        """All words of a stream that are stable; confidence: how likely it is that they were said, 0 to 1, if known."""

    def take(self, event: Event) -> None:
        """A stream is over."""


class OwnStt:
    """Runs a stream for each utterance that it is asked to listen to."""

    def __init__(
        self, server: Server, language: str | None, listener: OwnSttListener, satellite_id: str | None = None
    ) -> None:
        self._server = server
        self._satellite_id = satellite_id
        self._language = language
        self._listener = listener
        self._streams: dict[int, tuple[SttStream, asyncio.Task[None]]] = {}

    def open(self, stream: int, tasks: asyncio.TaskGroup) -> None:
        """Begin to listen to an utterance."""
        utterance = SttStream(stream, self._language, self._server, self, self._satellite_id)
        work = survive(utterance.run, f"STT {stream}", partial(self.stt_failed, stream))
        task = tasks.create_task(work, name=f"STT {stream}")
        task.add_done_callback(lambda _: self._streams.pop(stream, None))
        self._streams[stream] = (utterance, task)

    def send(self, stream: int, audio: bytes) -> None:
        """Pass on more of an utterance."""
        if stream in self._streams:
            self._streams[stream][0].send(audio)

    def end(self, stream: int) -> None:
        """Have an utterance made out now."""
        if stream in self._streams:
            self._streams[stream][0].end()

    def drop(self, stream: int) -> None:
        """Listen to an utterance no more."""
        if stream in self._streams:
            self._streams[stream][1].cancel()

    def partial(self, stream: int, text: str, confidence: float | None) -> None:
        """All words of a stream that are stable; confidence: how likely it is that they were said, 0 to 1, if known."""
        if stream in self._streams:
            self._listener.partial(stream, text, confidence)

    def transcribed(self, stream: int, text: str, confidence: float | None) -> None:
        """The final text of a stream; nothing more comes of it."""
        self._listener.take(OwnText(stream, text, confidence))

    def stt_failed(self, stream: int, error: InterjectError) -> None:
        """A stream gives no text; nothing more comes of it."""
        self._listener.take(OwnFailed(stream, error))
