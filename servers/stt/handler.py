"""What the server does for one connection."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from interject.servers.fair_queue import owner_of
from interject.servers.stt.agreement import Agreement
from interject.servers.stt.audio import BYTES_PER_S, RATE_HZ, AudioFormat, Converter
from interject.servers.stt.engines.base import Recognition, Request, Transcription
from interject.servers.stt.errors import AudioTooLongError, NoAudioError
from interject.servers.stt.hints import MOST_WORDS, hints_of
from interject.servers.stt.records import (
    PartialRecognised,
    TextRecognised,
    TranscribeAborted,
    TranscribeRefused,
    TranscribeStarted,
)
from interject.wire.dispatch import Dispatcher, on
from interject.wire.errors import RequestError
from interject.wire.events import with_confidence

if TYPE_CHECKING:
    from wyoming.event import Event

    from interject.servers.fair_queue import Owner
    from interject.servers.stt.engines.base import Engine
    from interject.servers.stt.worker_pool import WorkerPool
    from interject.servers.worker_thread import WorkerThread
    from interject.wire.admission import AccessRules
    from interject.wire.peer import Peer
    from interject.wire.trace import Trace

_LOGGER = logging.getLogger(__name__)

# A microphone sends several chunks a second; an utterance without any holds a worker that others wait for.
_SILENT_S = 30.0


class Utterance:
    """The audio of one utterance on its way to the engine: bounded, with an explicit end."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._pending = bytearray()
        self._bytes = 0
        self._ended_s: float | None = None
        self._news = asyncio.Event()

    @property
    def seconds(self) -> float:
        """How much has come in all."""
        return self._bytes / BYTES_PER_S

    @property
    def since_end_s(self) -> float:
        """How long ago the end came, 0 before it does."""
        return 0.0 if self._ended_s is None else time.monotonic() - self._ended_s

    def add(self, pcm: bytes) -> None:
        """Add audio; raises AudioTooLongError."""
        self._bytes += len(pcm)
        if self.seconds > self._limit_s:
            raise AudioTooLongError(self._limit_s)
        self._pending += pcm
        self._news.set()

    def end(self) -> None:
        """Say that there is no more."""
        self._ended_s = time.monotonic()
        self._news.set()

    async def take(self) -> tuple[bytes, bool]:
        """Wait for more; return all of it, and whether that was the end. Raises NoAudioError."""
        try:
            async with asyncio.timeout(_SILENT_S):
                await self._news.wait()
        except TimeoutError:
            raise NoAudioError(_SILENT_S) from None
        self._news.clear()
        pcm, self._pending = bytes(self._pending), bytearray()
        return pcm, self._ended_s is not None


class SttSession:
    """One client's requests, one after the other."""

    def __init__(
        self, peer: Peer, engine: Engine, workers: WorkerPool, trace: Trace, max_audio_s: float, rules: AccessRules
    ) -> None:
        self._peer = peer
        self._engine = engine
        self._workers = workers
        self._trace = trace
        self._max_audio_s = max_audio_s
        self._rules = rules
        self._request: Request | None = None
        self._owner = owner_of(peer, None, rules)
        self._utterance: Utterance | None = None
        self._converter: Converter | None = None
        self._work: asyncio.Task[None] | None = None
        # After a refusal the rest of that utterance still arrives, and is no new one.
        self._refused = False

    async def handle(self, event: Event) -> None:
        """Take the next event; raises RequestError."""
        try:
            await self._ROUTES.dispatch(self, event)
        except RequestError:
            self._abandon()
            self._refused = True
            raise

    async def _ask(self, transcribe: Transcribe) -> None:
        self._abandon()
        self._request = self._request_of(transcribe)
        self._owner = owner_of(self._peer, transcribe.context, self._rules)

    async def _start(self, start: AudioStart) -> None:
        self._abandon()
        self._begin(AudioFormat(start.rate, start.width, start.channels))

    def _request_of(self, transcribe: Transcribe) -> Request:
        hints = hints_of(transcribe.transcript_names, transcribe.transcript_terms)
        if hints.dropped:
            _LOGGER.warning(
                "%s: %d names and terms are left out: a request may have %d words of them",
                self._peer,
                hints.dropped,
                MOST_WORDS,
            )
        return Request(_language(transcribe.language), hints.names, hints.terms)

    def _begin(self, audio_format: AudioFormat) -> None:
        self._converter = Converter(audio_format)
        self._utterance = Utterance(self._max_audio_s)
        self._work = self._peer.start(
            self._transcribe(self._request or Request(), self._owner, self._utterance, earlier=self._work),
            name="transcription",
        )

    async def _hear(self, chunk: AudioChunk) -> None:
        given_up = self._utterance is not None and self._work is not None and self._work.done()
        if self._refused or given_up:
            return
        if self._utterance is None or self._converter is None:
            # A client that leaves out audio-start: each chunk says its format.
            self._begin(AudioFormat(chunk.rate, chunk.width, chunk.channels))
        assert self._converter is not None  # noqa: S101 - for the type checker: _begin sets both
        assert self._utterance is not None  # noqa: S101
        said = AudioFormat(chunk.rate, chunk.width, chunk.channels)
        if said != self._converter.format:
            self._utterance.add(self._converter.flush())
            self._converter = Converter(said)
        self._utterance.add(self._converter.convert(chunk.audio))

    async def _end(self, _: AudioStop) -> None:
        if self._utterance is None and self._request is not None and not self._refused:
            # Who asked and sent nothing gets an answer as well.
            self._begin(AudioFormat(RATE_HZ, 2, 1))
        if self._utterance is not None and self._converter is not None:
            self._utterance.add(self._converter.flush())
            self._utterance.end()
        self._utterance = self._converter = None
        self._refused = False
        self._request = None

    def _abandon(self) -> None:
        """Drop an utterance whose end never came."""
        if self._utterance is not None and self._work is not None:
            self._work.cancel()
        self._utterance = self._converter = None
        self._refused = False

    async def _transcribe(
        self, request: Request, owner: Owner, utterance: Utterance, earlier: asyncio.Task[None] | None
    ) -> None:
        if earlier is not None:
            # Answers come in the order of the requests.
            await asyncio.wait([earlier])
        self._trace.emit(TranscribeStarted(peer=self._peer.name))
        try:
            await self._engine.ready()
            async with self._workers.worker(owner) as worker:
                await self._recognise(worker, request, utterance)
        except (asyncio.CancelledError, ConnectionError):
            # Who leaves is noticed by whichever comes first: the end of what it sends, or that it takes no answer.
            self._trace.emit(TranscribeAborted(peer=self._peer.name, audio_s=round(utterance.seconds, 3)))
            raise
        except RequestError as error:
            self._trace.emit(TranscribeRefused(peer=self._peer.name, code=error.code))
            raise

    async def _recognise(self, worker: WorkerThread, request: Request, utterance: Utterance) -> None:
        await self._peer.send(TranscriptStart(language=request.language).event())
        recognition: Recognition | None = None

        def open_recognition() -> Recognition:
            nonlocal recognition
            recognition = self._engine.open(request)
            return recognition

        def close_recognition() -> None:
            if recognition is not None:
                recognition.close()

        try:
            opened = await worker.run(open_recognition)
            agreement, rest = await self._stream(worker, opened, utterance)
            await self._answer(await worker.run(partial(opened.finish, rest)), agreement, utterance)
        finally:
            if recognition is not None:
                recognition.abort()
            worker.submit(close_recognition)

    async def _stream(
        self, worker: WorkerThread, recognition: Recognition, utterance: Utterance
    ) -> tuple[Agreement, bytes]:
        """Hear the audio, sending words as they become stable; return them, and the audio that came with the end."""
        agreement = Agreement()
        while True:
            pcm, ended = await utterance.take()
            if ended:
                return agreement, pcm
            hypothesis = await worker.run(partial(recognition.hear, pcm))
            if hypothesis is None:
                continue
            before = len(agreement.stable)
            agreement = agreement.update(hypothesis, self._engine.settle_s)
            if fresh := agreement.stable[before:]:
                confidence = agreement.confidence()
                await self._say(" ".join(word.text for word in fresh), confidence, first=before == 0)
                self._trace.emit(PartialRecognised(peer=self._peer.name, text=agreement.text(), confidence=confidence))

    async def _say(self, words: str, confidence: float | None, *, first: bool) -> None:
        chunk = TranscriptChunk(text=words if first else f" {words}").event()
        await self._peer.send(with_confidence(chunk, confidence))

    async def _answer(self, best: Transcription, agreement: Agreement, utterance: Utterance) -> None:
        stable, words = agreement.text().split(), best.text.split()
        if words[: len(stable)] == stable and len(words) > len(stable):
            await self._say(" ".join(words[len(stable) :]), best.confidence, first=not stable)
        took_s = utterance.since_end_s
        await self._peer.send(TranscriptStop().event())
        transcript = Transcript(text=best.text, language=best.language).event()
        await self._peer.send(with_confidence(transcript, best.confidence))
        audio_s = utterance.seconds
        self._trace.emit(
            TextRecognised(
                peer=self._peer.name,
                text=best.text,
                confidence=best.confidence,
                figures={name: round(figure, 3) for name, figure in best.figures.items()},
                audio_s=round(audio_s, 3),
                took_s=round(took_s, 4),
            )
        )
        _LOGGER.debug("%s: %.2f s of audio, %.3f s after its end: %r", self._peer.name, audio_s, took_s, best.text)

    _ROUTES: ClassVar[Dispatcher[SttSession]] = Dispatcher(
        on(Transcribe, _ask), on(AudioStart, _start), on(AudioChunk, _hear), on(AudioStop, _end)
    )


def _language(value: object) -> str | None:
    if value is None or value == "auto":
        return None
    if not isinstance(value, str):
        raise RequestError("bad-event", f"language is {value!r}, not a string")
    return value
