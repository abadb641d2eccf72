"""One connection of a client: questions in, replies out, interruptions at any time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from wyoming.asr import Transcript
from wyoming.handle import Handled, HandledStop, NotHandled

from interject.servers.fair_queue import owner_of
from interject.servers.llm.active_replies import ActiveReplies, ActiveReply, PlaybackEstimate, StopReason
from interject.servers.llm.errors import EngineError
from interject.servers.llm.generation import Failed, Finished, Generation, GivenUp, Outcome, Stopped
from interject.servers.llm.records import GenerationCancelled, QuestionReceived, ReplyCorrected
from interject.servers.llm.requests import read_interruption, read_origin, read_question
from interject.wire.admission import AccessRules
from interject.wire.dispatch import Dispatcher, on, on_own
from interject.wire.errors import RequestError
from interject.wire.events import Interrupt, Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wyoming.event import Event

    from interject.servers.llm.conversations import Corrected
    from interject.servers.llm.engines.base import Engine
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
    replies: ActiveReplies
    history_messages: int
    trace: Trace
    playback: PlaybackEstimate = field(default_factory=PlaybackEstimate)
    correction_grace_s: float = CORRECTION_GRACE_S
    rules: AccessRules = field(default_factory=AccessRules)


_FAULT = "the request failed; the service's log says why"
# In the trace: the connection was closed, or the server stops.
_CLOSED = "closed"


class HandleSession:
    """Serves one connection, one question at a time: a new one ends the reply to the one before."""

    def __init__(self, peer: Peer, bridge: Bridge) -> None:
        self._peer = peer
        self._bridge = bridge
        self._current: ActiveReply | None = None

    async def handle(self, event: Event) -> None:
        """Take a `transcript` or an `interrupt`; raises RequestError."""
        if not await self._ROUTES.dispatch(self, event):
            _LOGGER.debug("%s sent %s, which is not for this service", self._peer.name, event.type)

    async def _refuse_unreadable(self, error: Exception) -> None:
        await self._refuse("bad-event", f"the transcript event is malformed: {error!r}", None)

    async def _ask(self, transcript: Transcript) -> None:
        question: Question | None = None
        try:
            question = read_question(transcript)
            await self._start(question)
        except RequestError as error:
            await self._refuse(error.code, str(error), question)
        except Exception:
            _LOGGER.exception("%s: a question failed", self._peer.name)
            await self._refuse("internal-error", _FAULT, question)

    async def _start(self, question: Question) -> None:
        replies = self._bridge.replies
        for other in replies:
            if other is self._current or other.conversation_id == question.conversation_id:
                other.stop(StopReason.SUPERSEDED)
        asker = {"satellite_id": question.origin.satellite_id}
        host = owner_of(self._peer, asker, self._bridge.rules).host
        if (limit := replies.limit_reached_by(host)) is not None:
            whose = "" if limit == replies.limit else f" for {host}"
            raise RequestError(
                "busy", f"{limit} replies are being generated{whose}, which is the limit; try again soon"
            )
        reply = ActiveReply(question.conversation_id, question.origin, question.epoch, host)
        now = asyncio.get_running_loop().time()
        if question.epoch is None and self._bridge.playback.may_be_playing(question.conversation_id, now):
            reply.hold_until = now + self._bridge.correction_grace_s
        self._bridge.playback.ended(question.conversation_id)
        replies.add(reply)
        self._current = reply
        try:
            begun = await self._bridge.store.begin(
                question.conversation_id, question.origin, question.epoch, question.text
            )
        except BaseException:
            self._ended(reply)
            raise
        reply.turn_id = begun.turn_id
        self._bridge.trace.emit(
            QuestionReceived(text=question.text, conversation_id=question.conversation_id, epoch=question.epoch)
        )
        work = self._answer(reply, question, begun.messages)
        self._peer.start(work, "reply").add_done_callback(lambda _: self._ended(reply))
        # Let the work begin before another event is read: an end of stream right behind the question cancels it then.
        await asyncio.sleep(0)

    def _ended(self, reply: ActiveReply) -> None:
        self._bridge.replies.remove(reply)
        reply.ended.set()

    async def _answer(self, reply: ActiveReply, question: Question, messages: Sequence[Message]) -> None:
        """Generate a reply, store what became of it, and tell the client."""
        bridge = self._bridge
        generation = Generation(
            reply, question, bridge.engine, bridge.store, bridge.history_messages, bridge.trace, self._send
        )
        try:
            outcome = await generation.run(messages)
            await self._store_outcome(reply, outcome)
        except asyncio.CancelledError:
            # The connection was closed, or the service stops.
            self._trace_cancelled(reply, _CLOSED)
            await self._say_farewell(question)
            raise
        except Exception:
            # Of the store, or of ours: what the engine raises is an outcome.
            _LOGGER.exception("%s: a reply failed", self._peer.name)
            await self._refuse("internal-error", _FAULT, question)
            return
        await self._tell_outcome(reply, question, outcome)

    async def _store_outcome(self, reply: ActiveReply, outcome: Outcome) -> None:
        """Store what is known of a reply that ended; from then on an interruption only corrects what is stored.

        What was heard of a reply that was cut is stored by the interruption. Of one whose client is gone nothing is
        known to have been heard.
        """
        store, turn_id = self._bridge.store, reply.turn_id
        match outcome:
            case Stopped(stop):
                self._trace_cancelled(reply, stop.reason.value, stop.at)
            case GivenUp(error):
                _LOGGER.debug("%s went away: %s", self._peer.name, error)
                self._trace_cancelled(reply, _CLOSED)
            case Finished(text):
                if turn_id is not None:
                    await store.complete(turn_id, text)
                self._bridge.replies.remove(reply)
            case Failed(error, text):
                self._bridge.replies.remove(reply)
                if isinstance(error, EngineError):
                    _LOGGER.warning("%s: %s", self._peer.name, error)
                else:
                    _LOGGER.error("%s: a reply failed", self._peer.name, exc_info=error)
                if turn_id is not None:
                    # Where nothing was written, the user asks anew: the question is no part of the next one.
                    await (store.complete(turn_id, text) if text else store.fail(turn_id))

    async def _tell_outcome(self, reply: ActiveReply, question: Question, outcome: Outcome) -> None:
        """End the stream; a client that knows no interruptions must not wait for ever for a `handled`.

        A reply that was cut ends with what was heard of it. If the same connection asked anew, the next `handled` has
        to be the new question's.
        """
        context = question.answer_context()
        match outcome:
            case Finished(text):
                await self._send(HandledStop().event())
                if question.epoch is None:
                    now = asyncio.get_running_loop().time()
                    self._bridge.playback.started(question.conversation_id, text, now)
                await self._send(Handled(text=text, context=context).event())
            case Stopped(stop):
                await self._send(HandledStop().event())
                if stop.reason is StopReason.INTERRUPT or self._current is reply:
                    await self._send(Handled(text=stop.heard, context={**context, "interrupted": True}).event())
            case Failed(error):
                if isinstance(error, EngineError):
                    await self._refuse(error.code, str(error), question)
                else:
                    await self._refuse("internal-error", _FAULT, question)
            case GivenUp():
                # Nobody reads it.
                pass

    async def _interrupt(self, interrupt: Interrupt) -> None:
        interruption = read_interruption(interrupt)
        origin = read_origin(interrupt.context)
        cut = [reply for reply in self._bridge.replies if reply.is_cut_by(origin, interruption)]
        for reply in cut:
            reply.stop(StopReason.INTERRUPT, interruption.heard)
        agreeing = [item.turn_id for item in self._bridge.replies if item.turn_id and item.agrees_with(interruption)]
        corrected = await self._bridge.store.interrupt(origin, interruption, self._bridge.replies.written(), agreeing)
        cut += self._follow(corrected, interruption.heard)
        if corrected.overstated:
            _LOGGER.info("%s says that more was heard than was written; the rest is ignored", self._peer.name)
        self._bridge.trace.emit(
            ReplyCorrected(
                content=corrected.content,
                heard=interruption.heard,
                overstated=corrected.overstated,
                conversation_id=corrected.conversation_id,
                epoch=interruption.epoch,
            )
        )
        await _all_ended(cut)
        context = {"conversation_id": corrected.conversation_id} if corrected.conversation_id else {}
        await self._send(Interrupted(interruption.epoch, corrected.content, {**interrupt.context, **context}).event())

    def _follow(self, corrected: Corrected, heard: str) -> list[ActiveReply]:
        """Stop the replies to the corrected turn, and return them; tell later ones that their history has changed."""
        if corrected.conversation_id is None or corrected.turn_id is None:
            return []
        self._bridge.playback.ended(corrected.conversation_id)
        ended = []
        for reply in self._bridge.replies:
            if reply.turn_id == corrected.turn_id:
                if reply.epoch is None:
                    reply.stop(StopReason.INTERRUPT, heard)
                    ended.append(reply)
            elif reply.conversation_id == corrected.conversation_id:
                reply.history_corrected()
        return ended

    async def _say_farewell(self, question: Question) -> None:
        """Answer a client that waits while the service stops; one that has closed its connection hears nothing."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_TIMEOUT_S):
                await self._refuse("cancelled", "the reply was cancelled: the service stops", question)

    async def _refuse(self, code: str, text: str, question: Question | None) -> None:
        """Send an error and a `not-handled`, which end the request; the peer going away is no error.

        Our own clients and newer Home Assistants take the `error`; older ones ignore it and wait for one of the
        standard answers, so `not-handled` follows.
        """
        await self._peer.complain(code, text)
        with contextlib.suppress(ConnectionError):
            await self._send(NotHandled(text=text, context=question.answer_context() if question else None).event())

    async def _send(self, event: Event) -> None:
        try:
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                await self._peer.send(event)
        except TimeoutError:
            raise ConnectionResetError(f"{self._peer.name} has read nothing for {_SEND_TIMEOUT_S:g} s") from None

    def _trace_cancelled(self, reply: ActiveReply, reason: str, stopped_at: float | None = None) -> None:
        self._bridge.trace.emit(
            GenerationCancelled(
                reason=reason,
                text=reply.text,
                upstream_closed_s=None if stopped_at is None else asyncio.get_running_loop().time() - stopped_at,
                conversation_id=reply.conversation_id,
                epoch=reply.epoch,
            )
        )

    _ROUTES: ClassVar[Dispatcher[HandleSession]] = Dispatcher(
        on(Transcript, _ask, _refuse_unreadable), on_own(Interrupt, _interrupt)
    )


async def _all_ended(replies: Sequence[ActiveReply]) -> None:
    """Wait until replies have ended, so that nothing of them follows; a client that does not read is not waited for."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_ENDING_TIMEOUT_S):
            for reply in replies:
                await reply.ended.wait()
