"""Synthesis queue: one thread speaks the sentences of all replies, in a fair order."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from interject.servers.common import give_way
from interject.servers.fair_queue import FairWait
from interject.servers.tts.engines.base import NICENESS
from interject.wire.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from interject.servers.fair_queue import Owner
    from interject.servers.tts.engines.base import Line, Piece, Voice

# A reply has one sentence in the queue at a time, so this is the number of satellites that talk at once. With a
# medium voice of Piper on a small machine (0.5 s a sentence) the last of them waits half a minute already.
MAX_WAITING_SENTENCES = 64
# The longest sentence that is ever cut, all digits, read at the slowest rate, stays below; 26 MB.
MAX_SENTENCE_AUDIO_S = 600


class SynthesisQueue:
    """Runs an engine's blocking work, a sentence at a time; FairWait decides which is next.

    The thread never waits for a listener: it is done with a sentence as fast as the engine can be, and what a slow
    listener has not taken yet, at most the one sentence, waits in memory. The next sentence of that reply is asked for
    only when this one has been taken.
    """

    def __init__(self, max_waiting: int = MAX_WAITING_SENTENCES) -> None:
        self._executor = ThreadPoolExecutor(
            max_workers=1, thread_name_prefix="speech", initializer=give_way, initargs=(NICENESS,)
        )
        self._wait = FairWait(1, max_waiting, self._refusal)

    @property
    def waiting(self) -> int:
        """How many sentences wait, apart from the one that is being spoken."""
        return self._wait.waiting

    async def speak(self, voice: Voice, line: Line, owner: Owner) -> AsyncGenerator[list[Piece], None]:
        """Speak one sentence; yields what has come since the last time. Closing the iterator stops the engine.

        Raises RequestError when too many sentences wait, or this one for too long; EngineError.
        """
        turn = await self._wait.enter(owner)
        loop = asyncio.get_running_loop()
        relay = _Relay(loop, MAX_SENTENCE_AUDIO_S * voice.rate_hz)
        done = self._executor.submit(_run, voice, line, relay)
        done.add_done_callback(lambda _: loop.call_soon_threadsafe(self._wait.leave, turn))
        try:
            while (pieces := await relay.take()) is not None:
                yield pieces
            await asyncio.wrap_future(done)
        finally:
            relay.stop()
            done.cancel()

    async def close(self) -> None:
        """Wait for the sentence under way to stop; its iterator must have been closed."""
        await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)

    def _refusal(self) -> RequestError:
        return RequestError("busy", f"a sentence is being spoken and {self.waiting} wait; try again later")


def _run(voice: Voice, line: Line, relay: _Relay) -> None:
    try:
        if not relay.stopped:
            voice.speak(line, relay)
    finally:
        relay.end()


class _Relay:
    """Carries the pieces of one sentence from the engine's thread to the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, max_samples: int) -> None:
        self._loop = loop
        # Bounded by `max_samples`, because an engine delivers no more than that.
        self._queue: asyncio.Queue[Piece | None] = asyncio.Queue()
        self._room = max_samples
        self._stopped = threading.Event()
        self._actions: list[Callable[[], None]] = []
        self._ended = False

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def on_stop(self, action: Callable[[], None]) -> None:
        self._actions.append(action)
        if self.stopped:
            action()

    def deliver(self, piece: Piece) -> bool:
        if self.stopped:
            return False
        self._room -= len(piece.pcm) // 2
        if self._room < 0:
            raise RequestError("sentence-too-long", f"a sentence takes more than {MAX_SENTENCE_AUDIO_S} s to speak")
        self._loop.call_soon_threadsafe(self._queue.put_nowait, piece)
        return True

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._queue.put_nowait, None)

    def stop(self) -> None:
        self._stopped.set()
        for action in self._actions:
            action()

    async def take(self) -> list[Piece] | None:
        """Wait for pieces and return all that are there; None at the end."""
        if self._ended:
            return None
        pieces = []
        item = await self._queue.get()
        while item is not None:
            pieces.append(item)
            if self._queue.empty():
                return pieces
            item = self._queue.get_nowait()
        self._ended = True
        return pieces or None
