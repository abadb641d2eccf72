"""The generation of one reply: written by a task of its own, governed by the messages that the reply is sent."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wyoming.handle import HandledChunk, HandledStart

from interject.servers.llm.active_replies import HistoryCorrected, Stop, WritingEnded
from interject.servers.llm.records import FirstToken, GenerationFinished, GenerationRenewed
from interject.servers.llm.turns import recent
from interject.servers.markup import MarkupFilter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from wyoming.event import Event

    from interject.servers.llm.active_replies import ActiveReply
    from interject.servers.llm.engines.base import Engine
    from interject.servers.llm.requests import Question
    from interject.servers.llm.store import Store
    from interject.servers.llm.turns import Message
    from interject.wire.trace import Trace

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply is whole."""

    text: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The reply was told to end before it was whole."""

    stop: Stop


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The client is gone, or takes nothing more."""

    error: ConnectionError


@dataclass(frozen=True, slots=True)
class Failed:
    """The reply could not be generated; `text` is what was written of it before."""

    error: Exception
    text: str


@dataclass(frozen=True, slots=True)
class _Renewed:
    """The history changed before anything of the reply was sent: it has to be written anew."""


Outcome = Finished | Stopped | GivenUp | Failed


class Generation:
    """Writes one reply and sends its pieces; how it ended is returned, and neither stored nor told here."""

    def __init__(
        self,
        reply: ActiveReply,
        question: Question,
        engine: Engine,
        store: Store,
        history_messages: int,
        trace: Trace,
        send: Callable[[Event], Awaitable[None]],
    ) -> None:
        """`history_messages`: how many messages the engine gets at most. `send` raises ConnectionError."""
        self._reply = reply
        self._question = question
        self._engine = engine
        self._store = store
        self._history_messages = history_messages
        self._trace = trace
        self._send = send
        self._is_started = False

    async def run(self, messages: Sequence[Message]) -> Outcome:
        """Generate the reply to messages; when this is cancelled, the writing has ended too."""
        while self._reply.stopped is None:
            outcome = await self._attempt(messages)
            if not isinstance(outcome, _Renewed):
                return outcome
            self._trace.emit(GenerationRenewed(conversation_id=self._reply.conversation_id))
            messages = await self._store.messages(self._reply.conversation_id)
        return Stopped(self._reply.stopped)

    async def _attempt(self, messages: Sequence[Message]) -> Outcome | _Renewed:
        """Have the reply written by a task, and obey what the reply is told meanwhile."""
        reply = self._reply
        writing = asyncio.create_task(self._write(messages), name=f"writing in {reply.conversation_id}")
        writing.add_done_callback(reply.writing_ended)
        try:
            while True:
                message = await reply.receive()
                match message:
                    case Stop() if not writing.done():
                        return Stopped(message)
                    case HistoryCorrected() if not reply.is_sent:
                        # What the first word may have waited for has come.
                        reply.hold_until = 0.0
                        return _Renewed()
                    case WritingEnded(task) if task is writing:
                        return self._outcome_of(writing)
        finally:
            await _ended(writing)

    def _outcome_of(self, writing: asyncio.Task[None]) -> Outcome:
        error = writing.exception()
        if error is None:
            return Finished(self._reply.text)
        if isinstance(error, ConnectionError):
            return GivenUp(error)
        if isinstance(error, Exception):
            return Failed(error, self._reply.text)
        raise error

    async def _write(self, messages: Sequence[Message]) -> None:
        reply = self._reply
        loop = asyncio.get_running_loop()
        if not self._is_started:
            self._is_started = True
            await self._send(HandledStart(context=self._question.answer_context()).event())
        start = loop.time()
        reply.text = ""
        pieces = self._engine.reply(recent(messages, self._history_messages), self._question.language)
        async with aclosing(without_markup(pieces)) as plain:
            async for piece in plain:
                if not reply.text:
                    self._trace.emit(FirstToken(took_s=loop.time() - start, conversation_id=reply.conversation_id))
                reply.text += piece
                if not reply.is_sent:
                    await asyncio.sleep(max(0.0, reply.hold_until - loop.time()))
                reply.is_sent = True
                await self._send(HandledChunk(text=piece).event())
        reply.is_sent = True
        self._trace.emit(GenerationFinished(text=reply.text, conversation_id=reply.conversation_id, epoch=reply.epoch))


async def _ended(writing: asyncio.Task[None]) -> None:
    """Cancel a task, unless it has ended, and wait until it has; the error that it ended with is logged."""
    writing.cancel()
    if not writing.done():
        await asyncio.wait({writing})
    if not writing.cancelled() and (error := writing.exception()) is not None:
        _LOGGER.debug("%s ended with %r", writing.get_name(), error)


async def without_markup(pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """Yield a reply without markup: what is shown, said and remembered is the same text.

    A reply that is nothing but markup is given as it is, for want of another.
    """
    markup = MarkupFilter()
    written, said = "", False
    async with aclosing(pieces):
        async for piece in pieces:
            written += piece
            if given := markup.push(piece):
                said = True
                yield given
    rest = markup.finish()
    if said or rest.strip():
        written = rest
    if written:
        yield written
