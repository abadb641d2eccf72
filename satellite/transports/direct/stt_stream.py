"""One utterance on its way to the STT server, and its text on the way back."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from wyoming.asr import Transcribe, Transcript, TranscriptChunk
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from interject.satellite.transports.direct.checks import text_of
from interject.wire.errors import PeerGoneError, PeerSilentError, PeerUnreachableError, WireError
from interject.wire.events import confidence_of

if TYPE_CHECKING:
    from interject.satellite.transports.direct.server import Server
    from interject.wire.client import Connection
    from interject.wire.errors import InterjectError

RATE_HZ = 16_000
_WIDTH = 2
_CHANNELS = 1
# After the end of the audio: Whisper small on a slow CPU takes some 3 s for 3 s of speech.
_ANSWER_TIMEOUT_S = 10.0
# A minute of speech in the pieces that the conversation sends; a server that takes none of it is as good as dead.
_QUEUE_PIECES = 3_000
# Ten minutes of speech: a minute is some 1,000 characters, and a turn is not longer than that by default.
_MAX_CHARACTERS = 10_000
# A recogniser tells what is new some ten times a second at most, which is 600 a minute; what comes beyond is kept for
# the end only.
_MAX_PARTIALS = 2_000
# A server that is not there may be back before the user has finished.
_RETRY_S = 0.5

# A text, and how likely it is that it was said.
Heard = tuple[str, float | None]


class TextListener(Protocol):
    """Takes what a stream says; called on the event loop, never blocks."""

    def partial(self, stream: int, text: str, confidence: float | None) -> None:
        """All words of a stream that are stable; confidence: how likely it is that they were said, 0 to 1, if known."""

    def transcribed(self, stream: int, text: str, confidence: float | None) -> None:
        """The final text of a stream; nothing more comes of it."""

    def stt_failed(self, stream: int, error: InterjectError) -> None:
        """A stream gives no text; nothing more comes of it."""


class SttStream:
    """Streams an utterance; tells the listener partial texts, and at the end a text or a failure, exactly once."""

    def __init__(
        self,
        stream: int,
        language: str | None,
        server: Server,
        listener: TextListener,
        satellite_id: str | None = None,
    ) -> None:
        """`satellite_id`: who asks, for servers that have to know the rooms behind one address apart."""
        self._stream = stream
        self._transcribe_event = Transcribe(
            language=language, context=None if satellite_id is None else {"satellite_id": satellite_id}
        ).event()
        self._server = server
        self._listener = listener
        # None ends the utterance.
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(_QUEUE_PIECES)
        self._overflowed = asyncio.Event()
        self._ended = asyncio.Event()

    def send(self, audio: bytes) -> None:
        """Queue more of the utterance."""
        self._put(audio)

    def end(self) -> None:
        """Queue the end of the utterance."""
        self._put(None)
        self._ended.set()

    async def run(self) -> None:
        """Stream until the text is there; cancel to forget the utterance.

        The listener is told of a failure once the utterance has ended: nobody is to be interrupted by an error, and
        what is left of an utterance is not to be tried as another one.
        """
        try:
            text, confidence = await self._transcribe()
        except WireError as error:
            self._server.note_failure(error)
            await self._ended.wait()
            self._listener.stt_failed(self._stream, error)
        else:
            self._listener.transcribed(self._stream, text, confidence)

    async def _transcribe(self) -> Heard:
        connection = await self._connected()
        try:
            return await self._converse(connection)
        finally:
            await connection.close()

    async def _connected(self) -> Connection:
        """Connect, trying again while the user speaks: all that was said is still queued."""
        while True:
            try:
                return await self._server.connect()
            except PeerUnreachableError as error:
                if self._ended.is_set():
                    raise
                self._server.note_failure(error)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_RETRY_S):
                        await self._ended.wait()

    async def _converse(self, connection: Connection) -> Heard:
        sending = asyncio.create_task(self._send_all(connection), name=f"STT stream {self._stream}")
        receiving = asyncio.create_task(self._receive_text(connection), name=f"STT text {self._stream}")
        overflow = asyncio.create_task(self._overflowed.wait(), name=f"STT overflow {self._stream}")
        try:
            await asyncio.wait({sending, receiving, overflow}, return_when=asyncio.FIRST_COMPLETED)
            if overflow.done():
                raise PeerSilentError(connection.uri, "sign of taking audio", _QUEUE_PIECES * 0.02)
            if receiving.done():
                return receiving.result()
            sending.result()
            try:
                async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                    return await receiving
            except TimeoutError:
                raise PeerSilentError(connection.uri, "transcript", _ANSWER_TIMEOUT_S) from None
        finally:
            tasks = (sending, receiving, overflow)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_all(self, connection: Connection) -> None:
        await connection.send(self._transcribe_event)
        await connection.send(AudioStart(rate=RATE_HZ, width=_WIDTH, channels=_CHANNELS).event())
        sent_bytes = 0
        while (audio := await self._queue.get()) is not None:
            timestamp_ms = sent_bytes * 1000 // (RATE_HZ * _WIDTH)
            chunk = AudioChunk(rate=RATE_HZ, width=_WIDTH, channels=_CHANNELS, audio=audio, timestamp=timestamp_ms)
            await connection.send(chunk.event())
            sent_bytes += len(audio)
        await connection.send(AudioStop(timestamp=sent_bytes * 1000 // (RATE_HZ * _WIDTH)).event())

    async def _receive_text(self, connection: Connection) -> Heard:
        stable, partials = "", 0
        while True:
            event = await connection.receive()
            if TranscriptChunk.is_type(event.type):
                stable = _bounded(stable + text_of(event, connection.uri), connection.uri)
                partials += 1
                if partials <= _MAX_PARTIALS:
                    self._listener.partial(self._stream, stable, confidence_of(event))
            elif Transcript.is_type(event.type):
                return _bounded(text_of(event, connection.uri), connection.uri), confidence_of(event)

    def _put(self, item: bytes | None) -> None:
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self._overflowed.set()
            self._ended.set()


def _bounded(text: str, uri: str) -> str:
    if len(text) > _MAX_CHARACTERS:
        raise PeerGoneError(uri, f"its transcript is longer than {_MAX_CHARACTERS} characters")
    return text
