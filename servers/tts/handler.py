"""What the server does for one connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeTextFormat,
)

from interject.servers.fair_queue import owner_of
from interject.servers.tts.records import SynthesisCancelled, SynthesisFailed, SynthesisFinished, SynthesisStarted
from interject.servers.tts.reply import Reply, line_of, lines_of
from interject.servers.tts.sentences import SentenceSplitter
from interject.wire.dispatch import Dispatcher, Route, on, on_own
from interject.wire.errors import RequestError
from interject.wire.events import Interrupt

if TYPE_CHECKING:
    from wyoming.event import Event
    from wyoming.tts import SynthesizeVoice

    from interject.servers.fair_queue import Owner
    from interject.servers.tts.engines.base import Engine, Line
    from interject.servers.tts.reply import ReplyOptions
    from interject.servers.tts.synthesis_queue import SynthesisQueue
    from interject.wire.admission import AccessRules
    from interject.wire.peer import Peer
    from interject.wire.trace import Trace

_LOGGER = logging.getLogger(__name__)

# Twenty minutes of speech: no reply to a question is longer.
MAX_TEXT_CHARS = 20_000
# A client may ask for the next text before it has read the last one; more than this is a flood.
MAX_REPLIES_WAITING = 8
# A client that takes it at once is told that its speech ends here; the process must be gone within 2 s.
_FAREWELL_TIMEOUT_S = 0.2
_CLOSED = "closed"


@dataclass(slots=True)
class _Request:
    """A text that is being spoken, or waits for its turn on this connection."""

    voice: SynthesizeVoice | None
    streamed: bool
    owner: Owner
    text: str = ""
    # Bounded by the length of the text: a line has at least one character. None ends it.
    lines: asyncio.Queue[Line | None] = field(default_factory=lambda: asyncio.Queue(MAX_TEXT_CHARS + 1))
    task: asyncio.Task[None] | None = None
    cut_by: str = _CLOSED


class _Stream(Enum):
    """Where the streaming events of a connection stand."""

    NONE = "none"
    OPEN = "open"
    # Interrupted by the client: chunks that it had on the way are dropped, anything else begins anew.
    CUT = "cut"
    # Ended by an error that the client did not know of yet: the rest of what it sends for it is dropped.
    REFUSED = "refused"


class TtsSession:
    """Serves `synthesize`, the streaming events and `interrupt`; texts of one connection are spoken in order."""

    def __init__(
        self,
        peer: Peer,
        engine: Engine,
        queue: SynthesisQueue,
        options: ReplyOptions,
        trace: Trace,
        rules: AccessRules,
        *,
        streaming: bool,
    ) -> None:
        self._peer = peer
        self._rules = rules
        self._engine = engine
        self._queue = queue
        self._options = options
        self._trace = trace
        self._turn = asyncio.Lock()
        self._requests: list[_Request] = []
        self._state = _Stream.NONE
        self._stream: _Request | None = None
        self._splitter = SentenceSplitter()
        self._routes = self._STREAMING if streaming else self._WHOLE

    async def handle(self, event: Event) -> None:
        """Take the next event; raises RequestError for a bad request."""
        if not await self._routes.dispatch(self, event):
            _LOGGER.debug("%s: ignored %s", self._peer.name, event.type)

    async def _unreadable(self, error: Exception) -> None:
        if self._state is not _Stream.REFUSED:
            raise error

    async def _unreadable_start(self, error: Exception) -> None:
        if self._state is not _Stream.OPEN:
            self._state = _Stream.REFUSED
        raise error

    async def _synthesize(self, asked: Synthesize) -> None:
        if self._state in (_Stream.OPEN, _Stream.REFUSED):
            # Streaming clients send the whole text too, for servers that cannot stream.
            return
        self._state = _Stream.NONE
        request = self._open(asked, streamed=False)
        self._append(request, asked.text)
        self._finish(request)
        self._run(request)

    async def _start(self, asked: SynthesizeStart) -> None:
        if self._state is _Stream.OPEN:
            raise RequestError("already-streaming", "synthesize-start before the last stream's synthesize-stop")
        self._state = _Stream.REFUSED
        self._stream = self._open(asked, streamed=True)
        self._state = _Stream.OPEN
        self._run(self._stream)

    async def _chunk(self, chunk: SynthesizeChunk) -> None:
        if self._stream is not None:
            try:
                self._append(self._stream, chunk.text)
            except RequestError:
                self._cut(self._stream, "refused", _Stream.REFUSED)
                raise
        elif self._state is _Stream.NONE:
            raise RequestError("no-stream", "synthesize-chunk without synthesize-start")

    async def _stop(self, _: SynthesizeStop) -> None:
        if self._stream is not None:
            self._finish(self._stream)
        elif self._state is _Stream.NONE:
            raise RequestError("no-stream", "synthesize-stop without synthesize-start")
        self._stream, self._state = None, _Stream.NONE

    def _open(self, asked: Synthesize | SynthesizeStart, *, streamed: bool) -> _Request:
        voice, text_format = asked.voice, asked.text_format
        if text_format not in (None, SynthesizeTextFormat.TEXT):
            named = text_format.value if isinstance(text_format, SynthesizeTextFormat) else text_format
            raise RequestError("text-format", f"text_format {named!r} is not spoken here; send plain text")
        names = (voice.name, voice.language, voice.speaker) if voice is not None else ()
        if not all(name is None or isinstance(name, str) for name in names):
            raise RequestError("bad-event", f"the voice is {voice!r}; its name, language and speaker are strings")
        if len(self._requests) >= MAX_REPLIES_WAITING:
            raise RequestError("busy", f"{len(self._requests)} texts wait on this connection already")
        self._splitter = SentenceSplitter(self._engine.language(voice))
        return _Request(voice, streamed, owner_of(self._peer, asked.context, self._rules))

    def _append(self, request: _Request, text: str) -> None:
        if not isinstance(text, str):
            raise RequestError("bad-event", f"text is {text!r}, not a string")
        if len(request.text) + len(text) > MAX_TEXT_CHARS:
            raise RequestError("text-too-long", f"a text may have {MAX_TEXT_CHARS} characters; send less at a time")
        # JSON can carry half of a surrogate pair, which nothing after this can write.
        text = text.encode("utf-8", "replace").decode()
        request.text += text
        for line in lines_of(self._splitter.push(text), self._options.auto_punctuation):
            request.lines.put_nowait(line)

    def _finish(self, request: _Request) -> None:
        for rest in self._splitter.finish():
            request.lines.put_nowait(line_of(rest, self._options.auto_punctuation))
        request.lines.put_nowait(None)

    def _run(self, request: _Request) -> None:
        self._requests.append(request)
        request.task = self._peer.start(self._speak(request), "synthesis")
        request.task.add_done_callback(lambda _: self._requests.remove(request))

    async def _speak(self, request: _Request) -> None:
        reply: Reply | None = None
        try:
            async with self._turn:
                self._trace.emit(SynthesisStarted(text=request.text, streaming=request.streamed))
                voice = await self._engine.voice(request.voice)
                reply = Reply(self._peer, self._queue, voice, self._options, self._trace, request.owner)
                while (line := await request.lines.get()) is not None:
                    await reply.say(line)
                await reply.finish()
                if request.streamed:
                    await self._peer.send(SynthesizeStopped().event())
                self._trace.emit(SynthesisFinished(audio_ms=reply.audio_ms))
        except (asyncio.CancelledError, ConnectionError):
            audio_ms = reply.audio_ms if reply else 0
            self._trace.emit(SynthesisCancelled(reason=request.cut_by, audio_ms=audio_ms))
            if request.cut_by == _CLOSED:
                await self._say_farewell()
            raise
        except Exception as error:
            self._trace.emit(SynthesisFailed(reason=str(error), audio_ms=reply.audio_ms if reply else 0))
            if request is self._stream:
                self._stream, self._state = None, _Stream.REFUSED
            raise

    async def _say_farewell(self) -> None:
        """Tell a client that waits while the service stops; one that has closed its connection hears nothing.

        To Home Assistant the mere end of a connection is the end of the speech, which it keeps.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_TIMEOUT_S):
                await self._peer.complain("cancelled", "speech was cut off: the service stops")

    def _cut(self, request: _Request, reason: str, state: _Stream) -> asyncio.Task[None] | None:
        """Cancel a request; returns its task, None if that had ended."""
        request.cut_by = reason
        if request is self._stream:
            self._stream, self._state = None, state
        return request.task if request.task is not None and request.task.cancel() else None

    async def _interrupt(self, interrupt: Interrupt) -> None:
        """Stop everything asked for on this connection; each cut text ends with an error, never with audio-stop.

        Home Assistant keeps what a text sounded like; a stump that looks complete would be played again.
        """
        tasks = [task for task in [self._cut(request, "interrupt", _Stream.CUT) for request in self._requests] if task]
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in tasks:
            await self._peer.complain("interrupted", f"speech was cut off ({interrupt.reason})")

    _TEXTS: ClassVar[tuple[Route[TtsSession], ...]] = (
        on_own(Interrupt, _interrupt),
        on(Synthesize, _synthesize, _unreadable),
    )
    _WHOLE: ClassVar[Dispatcher[TtsSession]] = Dispatcher(*_TEXTS)
    _STREAMING: ClassVar[Dispatcher[TtsSession]] = Dispatcher(
        *_TEXTS,
        on(SynthesizeStart, _start, _unreadable_start),
        on(SynthesizeChunk, _chunk, _unreadable),
        on(SynthesizeStop, _stop),
    )
