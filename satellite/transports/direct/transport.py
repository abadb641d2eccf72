"""The satellite itself talks to the three servers; no Home Assistant is needed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from interject.satellite.transports.base import survive
from interject.satellite.transports.direct.corrections import CORRECTION_TIMEOUT_S, Corrections
from interject.satellite.transports.direct.reply import Question, Reply
from interject.satellite.transports.direct.stt_stream import SttStream
from interject.satellite.turn.events import CancelReason

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from interject.satellite.transports.base import TransportListener
    from interject.satellite.transports.direct.server import Server
    from interject.satellite.wake.base import WakeWord
    from interject.wire.errors import InterjectError
    from interject.wire.events import Interrupt

# The user took the question back, or was told that it failed and will ask again.
_QUESTION_IS_DONE = (CancelReason.STOP_WORD.value, CancelReason.FAILED.value)


@dataclass(frozen=True, slots=True)
class Identity:
    """The satellite that asks, and in which language and voice it wants to be answered."""

    satellite_id: str
    conversation_id: str
    language: str | None = None
    voice: str | None = None


class DirectTransport:
    """Streams at every stage, one connection an utterance and two a reply; closing one cancels its work."""

    def __init__(self, stt: Server, llm: Server, tts: Server, identity: Identity) -> None:
        self._stt = stt
        self._llm = llm
        self._tts = tts
        self._identity = identity
        self._listener: TransportListener | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._streams: dict[int, tuple[SttStream, asyncio.Task[None]]] = {}
        self._replies: dict[int, Reply] = {}
        self._asking: dict[int, tuple[str, asyncio.Task[None]]] = {}
        # What was asked and cut off before the bridge knew of it; the next question begins with it.
        self._undelivered = ""
        self._correcting: set[asyncio.Task[None]] = set()
        self._corrections = Corrections(llm, self._corrected)

    async def run(self, listener: TransportListener) -> None:
        """Work until cancelled."""
        self._listener = listener
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for server in (self._stt, self._llm, self._tts):
                tasks.create_task(server.watch(), name=f"watch {server.kind}")
            await asyncio.Event().wait()

    def woken(self, word: WakeWord) -> None:
        """Take no notice: the servers need not know."""

    def open_stt(self, stream: int) -> None:
        """Begin an utterance."""
        listener = self._running_listener
        utterance = SttStream(stream, self._identity.language, self._stt, listener, self._identity.satellite_id)
        task = self._start(utterance.run, f"STT {stream}", partial(listener.stt_failed, stream))
        task.add_done_callback(lambda _: self._streams.pop(stream, None))
        self._streams[stream] = (utterance, task)

    def send_audio(self, stream: int, audio: bytes) -> None:
        """Send some of an utterance: 16 kHz, 16-bit, mono."""
        if stream in self._streams:
            self._streams[stream][0].send(audio)

    def end_stt(self, stream: int) -> None:
        """End an utterance: its text is wanted now."""
        if stream in self._streams:
            self._streams[stream][0].end()

    def abort_stt(self, stream: int) -> None:
        """Forget an utterance."""
        if stream in self._streams:
            self._streams[stream][1].cancel()

    def turn_dropped(self) -> None:
        """The user's turn is over, and nothing is asked: no server waits for a question."""

    def ask(self, epoch: int, text: str) -> None:
        """Have a reply generated and spoken."""
        task = self._start(partial(self._answer, epoch, text), f"reply {epoch}", partial(self._give_up_reply, epoch))
        self._asking[epoch] = (text, task)

    def cancel(self, interrupt: Interrupt) -> None:
        """Stop generation and synthesis of an epoch, and tell the servers what was heard of it."""
        told = replace(interrupt, context=self._context())
        correction = self._start(partial(self._correct, told), f"interrupt {interrupt.epoch}")
        self._correcting.add(correction)
        correction.add_done_callback(self._correcting.discard)

    def played(self, epoch: int) -> None:
        """Take no notice: the bridge takes a reply that was not interrupted for heard."""

    @property
    def _running_listener(self) -> TransportListener:
        if self._listener is None:
            raise RuntimeError("the pipeline is not running")
        return self._listener

    def _start(
        self,
        work: Callable[[], Coroutine[None, None, None]],
        name: str,
        give_up: Callable[[InterjectError], None] | None = None,
    ) -> asyncio.Task[None]:
        if self._tasks is None:
            raise RuntimeError("the pipeline is not running")
        return self._tasks.create_task(survive(work, name, give_up), name=name)

    def _give_up_reply(self, epoch: int, error: InterjectError) -> None:
        self._running_listener.reply_failed(epoch, error)
        self._running_listener.reply_ended(epoch)

    async def _answer(self, epoch: int, text: str) -> None:
        try:
            if self._correcting:
                # The model must see what was heard of the last reply before it is asked the next thing.
                await asyncio.wait(set(self._correcting), timeout=CORRECTION_TIMEOUT_S)
            await self._corrections.tell_what_is_untold()
            reply = Reply(self._question(epoch, text), self._llm, self._tts, self._running_listener)
            self._replies[epoch] = reply
            await reply.run()
        finally:
            self._replies.pop(epoch, None)
            self._asking.pop(epoch, None)

    def _question(self, epoch: int, text: str) -> Question:
        identity = self._identity
        context = {**self._context(), "epoch": epoch}
        whole = f"{self._undelivered} {text}".strip()
        self._undelivered = ""
        return Question(epoch, whole, identity.language, context, identity.voice)

    def _context(self) -> dict[str, str]:
        return {"conversation_id": self._identity.conversation_id, "satellite_id": self._identity.satellite_id}

    async def _correct(self, interrupt: Interrupt) -> None:
        reply = self._replies.get(interrupt.epoch)
        if reply is not None:
            if await reply.interrupt(interrupt):
                await self._corrections.tell(interrupt)
            if not reply.delivered:
                self._keep_question(reply.question_text, interrupt)
            return
        if interrupt.epoch in self._asking:
            text, task = self._asking[interrupt.epoch]
            task.cancel()
            self._keep_question(text, interrupt)
            return
        await self._corrections.tell(interrupt)

    def _corrected(self, epoch: int, content: str) -> None:
        self._running_listener.history_corrected(epoch, content)

    def _keep_question(self, text: str, interrupt: Interrupt) -> None:
        """Let the next question begin with one that the bridge never got, unless the user has done with it."""
        if interrupt.reason not in _QUESTION_IS_DONE:
            self._undelivered = f"{self._undelivered} {text}".strip()
