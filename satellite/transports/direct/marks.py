"""When the words of a text sound, for speech that came without word marks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from wyoming.audio import AudioStop
from wyoming.tts import Synthesize, SynthesizeVoice

from interject.wire.errors import PeerSilentError, RequestError, WireError
from interject.wire.events import WordMarks

if TYPE_CHECKING:
    from wyoming.event import Event

    from interject.satellite.transports.direct.server import Server
    from interject.wire.client import Connection
    from interject.wire.events import WordMark

# Between two events; Piper's slowest voice on a Pi needs some 3 s for a long sentence.
_SPEECH_TIMEOUT_S = 8.0


class MarkReader:
    """Reads the marks of one speech; an event that cannot be right is left out, for the speech is good without it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._last_start_ms = 0.0

    def read(self, event: Event) -> tuple[WordMark, ...]:
        """Return the marks of a `word-marks` event, empty where they are of no use, and of any other event."""
        if not WordMarks.is_type(event):
            return ()
        try:
            marks = WordMarks.from_event(event).marks
            self._require_order(marks)
        except RequestError as error:
            self._server.note_lapse(f"word marks are left out: {error}")
            return ()
        if marks:
            self._last_start_ms = marks[-1].start_ms
        return marks

    def _require_order(self, marks: tuple[WordMark, ...]) -> None:
        begun_ms = self._last_start_ms
        for mark in marks:
            if not begun_ms <= mark.start_ms <= mark.end_ms:
                times = f"from {mark.start_ms:g} to {mark.end_ms:g} ms after one that begins at {begun_ms:g} ms"
                raise RequestError("bad-event", f"{mark.text[:40]!r} sounds {times}")
            begun_ms = mark.start_ms


class MarksSource(Protocol):
    """Knows when the words of a text sound."""

    async def watch(self) -> None:
        """Tell when the source fails, and when it is well again; runs until cancelled."""

    async def marks_of(self, text: str) -> tuple[WordMark, ...]:
        """Return the marks of a whole text, in ms from its first sample, empty if unknown; raises WireError."""


class TtsMarks:
    """Has a TTS server speak a text for the times of its words, and throws the speech away."""

    def __init__(self, server: Server, voice: str | None) -> None:
        """Without a voice the server takes its own; a failure is noted at the server, which logs the first of a row."""
        self._server = server
        self._voice = voice

    async def watch(self) -> None:
        """Tell when the server fails, and when it is well again; runs until cancelled."""
        await self._server.watch()

    async def marks_of(self, text: str) -> tuple[WordMark, ...]:
        """Return the marks of a whole text, in ms from its first sample, empty if unknown; raises WireError."""
        if not text.strip():
            return ()
        try:
            connection = await self._server.connect()
            try:
                return await self._ask(connection, text)
            finally:
                await connection.close()
        except WireError as error:
            self._server.note_failure(error)
            raise

    async def _ask(self, connection: Connection, text: str) -> tuple[WordMark, ...]:
        voice = SynthesizeVoice(name=self._voice) if self._voice else None
        await connection.send(Synthesize(text=text, voice=voice).event())
        marks: list[WordMark] = []
        reader = MarkReader(self._server)
        while True:
            try:
                async with asyncio.timeout(_SPEECH_TIMEOUT_S):
                    event = await connection.receive()
            except TimeoutError:
                raise PeerSilentError(connection.uri, "word marks or speech", _SPEECH_TIMEOUT_S) from None
            marks.extend(reader.read(event))
            if AudioStop.is_type(event.type):
                return tuple(marks)
