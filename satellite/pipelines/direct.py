"""The satellite itself talks to the three servers; no Home Assistant is needed."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from satellite.pipelines.reply import Question, Reply, tell_bridge
from satellite.pipelines.stt_stream import SttStream
from satellite.turn.events import CancelReason
from wire.errors import InterjectError, PeerError, RequestError, WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from satellite.hearing.wake.base import WakeWord
    from satellite.pipelines.base import PipelineListener
    from satellite.pipelines.server import Server
    from wire.events import Interrupt

_LOGGER = logging.getLogger(__name__)

# The next question waits this long for the history to be put right; a bridge that is well needs milliseconds.
_CORRECTION_TIMEOUT_S = 1.0
# More interruptions than a bridge misses while it is away: without it there are no replies to interrupt.
_UNTOLD_KEPT = 8
# The user took the question back, or was told that it failed and will ask again.
_QUESTION_IS_DONE = (CancelReason.STOP_WORD.value, CancelReason.FAILED.value)


class PipelineFaultError(InterjectError):
    """A fault of the satellite's own ended some work of the pipeline."""

    def __init__(self, work: str) -> None:
        super().__init__(f"{work} ended by a fault of the satellite; its log says which")
        self.work = work


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, and how it wants to be spoken to."""

    satellite_id: str
    conversation_id: str
    language: str | None = None
    voice: str | None = None


class DirectPipeline:
    """Streams at every stage, one connection an utterance and two a reply; closing one cancels its work."""

    def __init__(self, stt: Server, llm: Server, tts: Server, identity: Identity) -> None:
        self._stt = stt
        self._llm = llm
        self._tts = tts
        self._identity = identity
        self._listener: PipelineListener | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._streams: dict[int, tuple[SttStream, asyncio.Task[None]]] = {}
        self._replies: dict[int, Reply] = {}
        self._asking: dict[int, tuple[str, asyncio.Task[None]]] = {}
        # What was asked and cut off before the bridge knew of it; the next question begins with it.
        self._undelivered = ""
        self._corrections: set[asyncio.Task[None]] = set()
        # Interruptions that the bridge could not be told of, oldest first: it must know them before the next question.
        self._untold: deque[Interrupt] = deque(maxlen=_UNTOLD_KEPT)

    async def run(self, listener: PipelineListener) -> None:
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
        utterance = SttStream(stream, self._identity.language, self._stt, listener)
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

    def ask(self, epoch: int, text: str) -> None:
        """Have a reply generated and spoken."""
        task = self._start(partial(self._answer, epoch, text), f"reply {epoch}", partial(self._give_up_reply, epoch))
        self._asking[epoch] = (text, task)

    def cancel(self, interrupt: Interrupt) -> None:
        """Stop generation and synthesis of an epoch, and tell the servers what was heard of it."""
        told = replace(interrupt, context=self._context())
        correction = self._start(partial(self._correct, told), f"interrupt {interrupt.epoch}")
        self._corrections.add(correction)
        correction.add_done_callback(self._corrections.discard)

    def played(self, epoch: int) -> None:
        """Take no notice: the bridge takes a reply that was not interrupted for heard."""

    @property
    def _running_listener(self) -> PipelineListener:
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
        return self._tasks.create_task(_survive(work, name, give_up), name=name)

    def _give_up_reply(self, epoch: int, error: InterjectError) -> None:
        self._running_listener.reply_failed(epoch, error)
        self._running_listener.reply_ended(epoch)

    async def _answer(self, epoch: int, text: str) -> None:
        try:
            if self._corrections:
                # The model must see what was heard of the last reply before it is asked the next thing.
                await asyncio.wait(set(self._corrections), timeout=_CORRECTION_TIMEOUT_S)
            await self._tell_what_is_untold()
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
                await self._tell_now_or_later(interrupt)
            if not reply.delivered:
                self._keep_question(reply.question_text, interrupt)
            return
        if interrupt.epoch in self._asking:
            text, task = self._asking[interrupt.epoch]
            task.cancel()
            self._keep_question(text, interrupt)
            return
        await self._tell_now_or_later(interrupt)

    async def _tell_what_is_untold(self) -> None:
        while self._untold:
            interrupt = self._untold.popleft()
            if not await self._tell(interrupt):
                self._untold.appendleft(interrupt)
                return

    async def _tell_now_or_later(self, interrupt: Interrupt) -> None:
        if not await self._tell(interrupt):
            self._untold.append(interrupt)

    async def _tell(self, interrupt: Interrupt) -> bool:
        """Tell the bridge of an interruption; return False if it is away, and may take it when it is back."""
        try:
            async with asyncio.timeout(_CORRECTION_TIMEOUT_S):
                answer = await tell_bridge(self._llm, interrupt)
        except TimeoutError:
            _LOGGER.warning("%s server: it did not confirm an interruption", self._llm.kind)
        except WireError as error:
            self._llm.note_failure(error)
            return isinstance(error, PeerError | RequestError)
        else:
            self._running_listener.history_corrected(answer.epoch, answer.content)
        return True

    def _keep_question(self, text: str, interrupt: Interrupt) -> None:
        """Let the next question begin with one that the bridge never got, unless the user has done with it."""
        if interrupt.reason not in _QUESTION_IS_DONE:
            self._undelivered = f"{self._undelivered} {text}".strip()


async def _survive(
    work: Callable[[], Coroutine[None, None, None]], name: str, give_up: Callable[[InterjectError], None] | None
) -> None:
    """Let a fault of ours cost one utterance or one reply, not the satellite."""
    try:
        await work()
    except Exception:
        _LOGGER.exception("%s ended by a fault of the satellite", name)
        if give_up is not None:
            give_up(PipelineFaultError(name))
