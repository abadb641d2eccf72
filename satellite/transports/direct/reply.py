"""One reply on its way: question to the LLM bridge, its text to the TTS server, its speech to the loudspeaker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioChunkConverter, AudioStop
from wyoming.handle import Handled, HandledChunk, NotHandled
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from interject.satellite.transports.direct.checks import optional_text_of, speech_of, text_of
from interject.satellite.transports.direct.marks import MarkReader
from interject.wire.errors import InterjectError, PeerGoneError, PeerSilentError, WireError
from interject.wire.events import Interrupt, Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from interject.satellite.transports.base import TransportListener
    from interject.satellite.transports.direct.server import Server
    from interject.wire.client import Connection

_LOGGER = logging.getLogger(__name__)

# A large model on a small machine thinks this long before its first word.
_FIRST_TEXT_TIMEOUT_S = 30.0
# Between two words; a model that swaps may pause for seconds.
_NEXT_TEXT_TIMEOUT_S = 15.0
# Once all text is sent; Piper's slowest voice on a Pi needs some 3 s for a long sentence.
_SPEECH_TIMEOUT_S = 8.0
# The bridge answers an interrupt in a few milliseconds; the user's next question must not wait for a dead one.
_ACKNOWLEDGE_TIMEOUT_S = 0.25
# Two hours of speech; a model that goes on beyond that has lost its way.
_MAX_REPLY_CHARACTERS = 100_000
_WIDTH = 2


class StageError(InterjectError):
    """A stage of the pipeline gave up; names the server."""

    def __init__(self, kind: str, cause: WireError) -> None:
        super().__init__(f"{kind} server: {cause}")
        self.kind = kind
        self.cause = cause

    @property
    def brief(self) -> str:
        """Which server, and why."""
        return f"{self.kind} server: {self.cause.brief}"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and on whose behalf."""

    epoch: int
    text: str
    language: str | None
    context: dict[str, Any]
    voice: str | None


class Reply:
    """Runs one reply; can be interrupted at any moment."""

    def __init__(self, question: Question, llm: Server, tts: Server, listener: TransportListener) -> None:
        self._question = question
        self._llm = llm
        self._tts = tts
        self._listener = listener
        self._text = ""
        self._text_is_whole = False
        self._text_grew = asyncio.Event()
        self._llm_connection: Connection | None = None
        self._tts_connection: Connection | None = None
        self._acknowledged: asyncio.Future[Interrupted] = asyncio.get_running_loop().create_future()
        self._generating: asyncio.Task[None] | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._interrupted = False
        self._delivered = False

    @property
    def delivered(self) -> bool:
        """Whether the bridge got the question."""
        return self._delivered

    @property
    def question_text(self) -> str:
        """What was asked."""
        return self._question.text

    @property
    def epoch(self) -> int:
        """The epoch that this reply belongs to."""
        return self._question.epoch

    async def run(self) -> None:
        """Generate and speak; tells the listener of failures and always of the end, unless interrupted."""
        if self._interrupted:
            return
        self._generating = asyncio.create_task(self._generate(), name=f"generate {self.epoch}")
        self._speaking = asyncio.create_task(self._speak(), name=f"speak {self.epoch}")
        tasks = (self._generating, self._speaking)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not self._speaking.done():
                await self._after_generation()
            elif not self._interrupted:
                self._report(self._speaking)
                # Nobody will speak the rest.
                self._generating.cancel()
        finally:
            if not self._interrupted:
                for task in tasks:
                    task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if not self._interrupted:
            self._listener.reply_ended(self.epoch)

    async def interrupt(self, interrupt: Interrupt) -> bool:
        """Stop both servers and tell them what was heard; return whether the bridge still has to be told."""
        self._interrupted = True
        told, _ = await asyncio.gather(self._interrupt_generation(interrupt), self._interrupt_speech(interrupt))
        return self._delivered and not told

    async def _interrupt_speech(self, interrupt: Interrupt) -> None:
        if self._speaking is not None:
            self._speaking.cancel()
        if self._tts_connection is not None:
            with contextlib.suppress(WireError):
                await self._tts_connection.send(interrupt.event())
            await self._tts_connection.close()

    async def _interrupt_generation(self, interrupt: Interrupt) -> bool:
        """Return whether the bridge got the interrupt on the connection of the question."""
        if self._generating is None or self._generating.done():
            return False
        try:
            if not self._delivered or self._llm_connection is None:
                return False
            either: set[asyncio.Future[Any]] = {self._acknowledged, self._generating}
            await self._llm_connection.send(interrupt.event())
            done, _ = await asyncio.wait(either, timeout=_ACKNOWLEDGE_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        except WireError:
            return False
        finally:
            self._generating.cancel()
        if self._acknowledged in done:
            answer = self._acknowledged.result()
            self._listener.history_corrected(answer.epoch, answer.content)
        elif not done:
            _LOGGER.warning("%s server: it did not confirm an interruption", self._llm.kind)
        return self._acknowledged in done or not done

    async def _after_generation(self) -> None:
        assert self._generating is not None  # noqa: S101 - for the type checker: run() made it
        assert self._speaking is not None  # noqa: S101
        if self._interrupted:
            return
        self._report(self._generating)
        # What was generated is spoken even if the rest failed.
        await asyncio.wait({self._speaking})
        if not self._interrupted:
            self._report(self._speaking)

    def _report(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StageError):
            self._listener.reply_failed(self.epoch, error)
        elif error is not None:
            raise error

    async def _generate(self) -> None:
        try:
            connection = self._llm_connection = await self._llm.connect()
            try:
                question = Transcript(
                    text=self._question.text, language=self._question.language, context=self._question.context
                )
                # Whatever ends the sending, its bytes are on their way from here on.
                self._delivered = True
                await connection.send(question.event())
                await self._receive_text(connection)
            finally:
                await connection.close()
        except WireError as error:
            if not self._interrupted:
                self._llm.note_failure(error)
            raise StageError(self._llm.kind, error) from error
        finally:
            self._text_is_whole = True
            self._text_grew.set()

    async def _receive_text(self, connection: Connection) -> None:
        timeout_s = _FIRST_TEXT_TIMEOUT_S
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout_s) as patience:
                while True:
                    event = await connection.receive()
                    if Interrupted.is_type(event):
                        if not self._acknowledged.done():
                            self._acknowledged.set_result(Interrupted.from_event(event))
                        return
                    if self._interrupted:
                        continue
                    if HandledChunk.is_type(event.type):
                        # Only text is news: whatever else a server sends must not make anybody wait without end.
                        if text := text_of(event, connection.uri):
                            timeout_s = _NEXT_TEXT_TIMEOUT_S
                            patience.reschedule(loop.time() + timeout_s)
                            self._add_text(text, connection.uri)
                    elif Handled.is_type(event.type) or NotHandled.is_type(event.type):
                        if not self._text:
                            self._add_text(optional_text_of(event, connection.uri), connection.uri)
                        return
        except TimeoutError:
            raise PeerSilentError(connection.uri, "text", timeout_s) from None

    def _add_text(self, text: str, uri: str) -> None:
        if len(self._text) + len(text) > _MAX_REPLY_CHARACTERS:
            raise PeerGoneError(uri, f"its reply is longer than {_MAX_REPLY_CHARACTERS} characters")
        if text:
            self._text += text
            self._text_grew.set()
            self._listener.reply_text(self.epoch, self._text)

    async def _speak(self) -> None:
        try:
            info = await self._tts.info()
            if any(program.supports_synthesize_streaming for program in info.tts):
                await self._converse(self._send_text_as_it_comes, SynthesizeStopped)
            elif await self._whole_text():
                await self._converse(self._send_text_whole, AudioStop)
        except WireError as error:
            if not self._interrupted:
                self._tts.note_failure(error)
            raise StageError(self._tts.kind, error) from error

    async def _converse(
        self, send: Callable[[Connection], Coroutine[None, None, None]], last: type[SynthesizeStopped | AudioStop]
    ) -> None:
        connection = self._tts_connection = await self._tts.connect()
        try:
            sending = asyncio.create_task(send(connection), name=f"text to TTS {self.epoch}")
            try:
                await self._receive_speech(connection, sending, last)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        finally:
            await connection.close()

    async def _send_text_as_it_comes(self, connection: Connection) -> None:
        await connection.send(SynthesizeStart(voice=self._voice(), context=self._asker()).event())
        sent = 0
        while sent < len(self._text) or not self._text_is_whole:
            if sent == len(self._text):
                self._text_grew.clear()
                await self._text_grew.wait()
            part = self._text[sent:]
            sent += len(part)
            if part:
                await connection.send(SynthesizeChunk(text=part).event())
        await connection.send(SynthesizeStop().event())

    async def _whole_text(self) -> str:
        while not self._text_is_whole:
            self._text_grew.clear()
            await self._text_grew.wait()
        return self._text.strip()

    async def _send_text_whole(self, connection: Connection) -> None:
        await connection.send(Synthesize(text=self._text, voice=self._voice(), context=self._asker()).event())

    async def _receive_speech(
        self, connection: Connection, sending: asyncio.Task[None], last: type[SynthesizeStopped | AudioStop]
    ) -> None:
        converter = AudioChunkConverter(width=_WIDTH, channels=1)
        reader = MarkReader(self._tts)

        held_up, receiving = False, True

        def begin_to_wait(_: object) -> None:
            # It may be called once more after it was removed, or as the time is up.
            if receiving and not held_up and not patience.expired():
                patience.reschedule(asyncio.get_running_loop().time() + _SPEECH_TIMEOUT_S)

        try:
            async with asyncio.timeout(None) as patience:
                # Until all text is sent, silence may only mean that there is nothing to say yet.
                sending.add_done_callback(begin_to_wait)
                while not last.is_type((event := await connection.receive()).type):
                    if AudioChunk.is_type(event.type):
                        chunk = converter.convert(speech_of(event, connection.uri))
                        self._listener.reply_audio(self.epoch, chunk.audio, chunk.rate)
                        # Only speech is news: whatever else a server sends must not make anybody wait without end.
                        patience.reschedule(None)
                        held_up = True
                        await self._listener.room_for_audio(self.epoch)
                        held_up = False
                        if sending.done():
                            begin_to_wait(sending)
                    elif marks := reader.read(event):
                        self._listener.reply_marks(self.epoch, marks)
        except TimeoutError:
            sending.result()
            raise PeerSilentError(connection.uri, "speech", _SPEECH_TIMEOUT_S) from None
        finally:
            receiving = False
            sending.remove_done_callback(begin_to_wait)

    def _asker(self) -> dict[str, Any]:
        return {key: value for key, value in self._question.context.items() if key == "satellite_id"}

    def _voice(self) -> SynthesizeVoice | None:
        return SynthesizeVoice(name=self._question.voice) if self._question.voice else None


async def tell_bridge(llm: Server, interrupt: Interrupt) -> Interrupted:
    """Tell the bridge of an interruption on a connection of its own; raises WireError."""
    connection = await llm.connect()
    try:
        await connection.send(interrupt.event())
        while True:
            event = await connection.receive()
            if Interrupted.is_type(event):
                return Interrupted.from_event(event)
    finally:
        await connection.close()
