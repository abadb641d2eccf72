"""One connection of a client: questions in, replies out, interruptions at any time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wyoming.asr import Transcript
from wyoming.handle import Handled, HandledChunk, HandledStart, HandledStop, NotHandled

from interject.servers.fair_wait import owner_of
from interject.servers.llm.errors import EngineError
from interject.servers.llm.live import CutReason, LiveReplies, LiveReply, agrees, is_cut_by
from interject.servers.llm.requests import read_interruption, read_question, read_speaker
from interject.servers.llm.sounding import Sounding
from interject.servers.llm.turns import recent
from interject.servers.markup import MarkupFilter
from interject.wire.admission import AccessRules
from interject.wire.errors import RequestError
from interject.wire.events import Interrupt, Interrupted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from wyoming.event import Event

    from interject.servers.llm.conversations import Corrected
    from interject.servers.llm.engines import Engine
    from interject.servers.llm.requests import Question
    from interject.servers.llm.store import Store
    from interject.servers.llm.turns import Message
    from interject.wire.peer import Peer
    from interject.wire.trace import Trace

_LOGGER = logging.getLogger(__name__)

# A client that reads nothing for this long is gone, whatever its connection says; it must not hold a model.
_SEND_TIMEOUT_S = 10.0
# A question that comes while the last reply may still be sounding was asked by cutting it off; what was heard of it
# arrives, if at all, at the same moment, by another connection and through other queues. Only then, and only for
# clients that do not order the two themselves, the first word waits this long; meanwhile the model works already.
CORRECTION_GRACE_S = 0.1
# A client gets its answer when the service stops, if it takes it at once: the process must be gone within 2 s.
_FAREWELL_TIMEOUT_S = 0.2
# Closing an upstream stream takes some milliseconds; the answer to `interrupt` waits no longer than this for it.
_ENDING_TIMEOUT_S = 0.2


@dataclass(frozen=True, slots=True)
class Bridge:
    """What all connections share."""

    engine: Engine
    store: Store
    live: LiveReplies
    history_messages: int
    trace: Trace
    sounding: Sounding = field(default_factory=Sounding)
    correction_grace_s: float = CORRECTION_GRACE_S
    rules: AccessRules = field(default_factory=AccessRules)


_FAULT = "the request failed; the service's log says why"


class HandleSession:
    """Serves one connection, one question at a time: a new one ends the reply to the one before."""

    def __init__(self, peer: Peer, bridge: Bridge) -> None:
        self._peer = peer
        self._bridge = bridge
        self._current: LiveReply | None = None

    async def handle(self, event: Event) -> None:
        """Take a `transcript` or an `interrupt`; raises RequestError."""
        if Transcript.is_type(event.type):
            await self._ask(event)
        elif Interrupt.is_type(event):
            await self._interrupt(event)
        else:
            _LOGGER.debug("%s sent %s, which is not for this service", self._peer.name, event.type)

    async def _ask(self, event: Event) -> None:
        question: Question | None = None
        try:
            question = read_question(event)
            await self._start(question)
        except RequestError as error:
            await self._refuse(error.code, str(error), question)
        except Exception:
            _LOGGER.exception("%s: a question failed", self._peer.name)
            await self._refuse("internal-error", _FAULT, question)

    async def _start(self, question: Question) -> None:
        live = self._bridge.live
        for other in live:
            if other is self._current or other.conversation_id == question.conversation_id:
                other.stop(CutReason.SUPERSEDED)
        asker = {"satellite_id": question.speaker.satellite_id}
        host = owner_of(self._peer, asker, self._bridge.rules).host
        if (limit := live.full_for(host)) is not None:
            whose = "" if limit == live.limit else f" for {host}"
            raise RequestError(
                "busy", f"{limit} replies are being generated{whose}, which is the limit; try again soon"
            )
        reply = LiveReply(question.conversation_id, question.speaker, question.epoch, host)
        now = asyncio.get_running_loop().time()
        if question.epoch is None and self._bridge.sounding.sounds(question.conversation_id, now):
            reply.quiet_until = now + self._bridge.correction_grace_s
        self._bridge.sounding.ends(question.conversation_id)
        live.add(reply)
        self._current = reply
        try:
            begun = await self._bridge.store.begin(
                question.conversation_id, question.speaker, question.epoch, question.text
            )
        except BaseException:
            live.remove(reply)
            raise
        reply.turn_id = begun.turn_id
        self._bridge.trace.emit(
            "request", text=question.text, conversation_id=question.conversation_id, epoch=question.epoch
        )
        work = self._answer(reply, question, begun.messages)
        self._peer.start(work, "reply").add_done_callback(lambda _: live.remove(reply))
        # Let the work begin before another event is read: an end of stream right behind the question cancels it then.
        await asyncio.sleep(0)

    async def _answer(self, reply: LiveReply, question: Question, messages: Sequence[Message]) -> None:
        reply.generating()
        try:
            if reply.cut is None:
                await self._generate_as_corrected(reply, question, messages)
                # From here on an interruption only corrects what is stored.
                self._bridge.live.remove(reply)
        except asyncio.CancelledError:
            self._trace_cancelled(reply)
            if reply.cut is None:
                await self._say_farewell(question)
                raise
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        except EngineError as error:
            self._bridge.live.remove(reply)
            _LOGGER.warning("%s: %s", self._peer.name, error)
            await self._note_failure(reply)
            await self._refuse(error.code, str(error), question)
            return
        except ConnectionError:
            self._trace_cancelled(reply)
            raise
        except Exception:
            self._bridge.live.remove(reply)
            _LOGGER.exception("%s: a reply failed", self._peer.name)
            await self._note_failure(reply)
            await self._refuse("internal-error", _FAULT, question)
            return
        await self._finish(reply, question)

    async def _generate_as_corrected(self, reply: LiveReply, question: Question, messages: Sequence[Message]) -> None:
        """Generate; and anew if the history is corrected before anything of the reply was sent."""
        start_is_due = True
        while True:
            try:
                if start_is_due:
                    start_is_due = False
                    await self._send(HandledStart(context=_context_of(question)).event())
                if reply.outdated:
                    reply.outdated = False
                    messages = await self._bridge.store.messages(reply.conversation_id)
                await self._generate(reply, recent(messages, self._bridge.history_messages), question.language)
            except asyncio.CancelledError:
                if not reply.begun_anew():
                    raise
                self._bridge.trace.emit("generation-renewed", conversation_id=reply.conversation_id)
            else:
                return

    async def _generate(self, reply: LiveReply, messages: Sequence[Message], language: str | None) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        reply.text = ""
        async with aclosing(plain(self._bridge.engine.reply(messages, language))) as pieces:
            async for piece in pieces:
                if not reply.text:
                    self._bridge.trace.emit(
                        "first-token", took_s=loop.time() - start, conversation_id=reply.conversation_id
                    )
                reply.text += piece
                if not reply.sent:
                    await asyncio.sleep(max(0.0, reply.quiet_until - loop.time()))
                reply.sent = True
                await self._send(HandledChunk(text=piece).event())
        reply.sent = True
        self._bridge.trace.emit(
            "generation-finished", text=reply.text, conversation_id=reply.conversation_id, epoch=reply.epoch
        )
        if reply.turn_id is not None:
            await self._bridge.store.complete(reply.turn_id, reply.text)

    async def _finish(self, reply: LiveReply, question: Question) -> None:
        """End the stream; a client that knows no interruptions must not wait for ever for a `handled`.

        A reply that was cut ends with what was heard of it. If the same connection asked anew, the next `handled` has
        to be the new question's.
        """
        await self._send(HandledStop().event())
        cut = reply.cut
        if cut is None:
            if question.epoch is None:
                now = asyncio.get_running_loop().time()
                self._bridge.sounding.begins(question.conversation_id, reply.text, now)
            await self._send(Handled(text=reply.text, context=_context_of(question)).event())
        elif cut.reason is CutReason.INTERRUPT or self._current is reply:
            context = {**_context_of(question), "interrupted": True}
            await self._send(Handled(text=cut.heard, context=context).event())

    async def _interrupt(self, event: Event) -> None:
        interrupt = Interrupt.from_event(event)
        interruption = read_interruption(interrupt)
        speaker = read_speaker(interrupt.context)
        cut = [reply for reply in self._bridge.live if is_cut_by(reply, speaker, interruption)]
        for reply in cut:
            reply.stop(CutReason.INTERRUPT, interruption.heard)
        agreeing = [item.turn_id for item in self._bridge.live if item.turn_id and agrees(item, interruption)]
        corrected = await self._bridge.store.interrupt(speaker, interruption, self._bridge.live.written(), agreeing)
        cut += self._follow(corrected, interruption.heard)
        if corrected.overstated:
            _LOGGER.info("%s says that more was heard than was written; the rest is ignored", self._peer.name)
        self._bridge.trace.emit(
            "interrupted",
            content=corrected.content,
            heard=interruption.heard,
            overstated=corrected.overstated,
            conversation_id=corrected.conversation_id,
            epoch=interruption.epoch,
        )
        await _all_ended(cut)
        context = {"conversation_id": corrected.conversation_id} if corrected.conversation_id else {}
        await self._send(Interrupted(interruption.epoch, corrected.content, {**interrupt.context, **context}).event())

    def _follow(self, corrected: Corrected, heard: str) -> list[LiveReply]:
        """End the reply that was cut, and return it; have a later one begin anew, from what the history says now."""
        if corrected.conversation_id is None or corrected.turn_id is None:
            return []
        self._bridge.sounding.ends(corrected.conversation_id)
        ended = []
        for reply in self._bridge.live:
            if reply.turn_id == corrected.turn_id:
                if reply.epoch is None:
                    reply.stop(CutReason.INTERRUPT, heard)
                    ended.append(reply)
            elif reply.conversation_id == corrected.conversation_id:
                reply.renew()
        return ended

    async def _say_farewell(self, question: Question) -> None:
        """Answer a client that waits while the service stops; one that has closed its connection hears nothing."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_TIMEOUT_S):
                await self._refuse("cancelled", "the reply was cancelled: the service stops", question)

    async def _note_failure(self, reply: LiveReply) -> None:
        """Keep what was said of a reply that failed; where nothing was, the question is asked anew by its user."""
        if reply.turn_id is None:
            return
        store = self._bridge.store
        await (store.complete(reply.turn_id, reply.text) if reply.text else store.fail(reply.turn_id))

    async def _refuse(self, code: str, text: str, question: Question | None) -> None:
        """Say that there will be no reply.

        Our own clients and newer Home Assistants take the `error`; older ones ignore it and wait for one of the
        standard answers, so `not-handled` follows.
        """
        await self._peer.complain(code, text)
        with contextlib.suppress(ConnectionError):
            await self._send(NotHandled(text=text, context=_context_of(question) if question else None).event())

    async def _send(self, event: Event) -> None:
        try:
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                await self._peer.send(event)
        except TimeoutError:
            raise ConnectionResetError(f"{self._peer.name} has read nothing for {_SEND_TIMEOUT_S:g} s") from None

    def _trace_cancelled(self, reply: LiveReply) -> None:
        cut = reply.cut
        self._bridge.trace.emit(
            "generation-cancelled",
            reason=(cut.reason if cut else CutReason.CLOSED).value,
            text=reply.text,
            upstream_closed_s=asyncio.get_running_loop().time() - cut.at if cut else None,
            conversation_id=reply.conversation_id,
            epoch=reply.epoch,
        )


def _context_of(question: Question) -> dict[str, Any]:
    """Return what every answer to a question carries."""
    epoch = {} if question.epoch is None else {"epoch": question.epoch}
    return {"conversation_id": question.conversation_id, **epoch}


async def plain(pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """Give a reply without markup: what is shown, said and remembered is the same text.

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


async def _all_ended(replies: Sequence[LiveReply]) -> None:
    """Wait until replies have ended, so that nothing of them follows; a client that does not read is not waited for."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ENDING_TIMEOUT_S):
            for reply in replies:
                await reply.ended.wait()
