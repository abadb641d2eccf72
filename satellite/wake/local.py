"""Words that the satellite itself listens for."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.satellite.audio.base import Samples
    from interject.satellite.wake.base import WakeWord, WordModel
    from interject.satellite.wake.engine import Ear

_LOGGER = logging.getLogger(__name__)

# Samples that wait for a thread. It is a second behind only on a machine that is too slow for the engine, and there
# an old word is worth less than a new one.
_WAITING_PIECES = 50


class LocalWake:
    """Listens for the words of several ears; a WakeDetector.

    quick: ears that take well under a millisecond for 10 ms; they listen inside `push`. slow: the others; they listen
    in a thread.
    """

    def __init__(self, words: tuple[WordModel, ...], quick: Sequence[Ear], slow: Sequence[Ear]) -> None:
        self._words = words
        self._quick = quick
        self._slow = slow
        self._waiting: deque[tuple[Samples, int]] = deque(maxlen=_WAITING_PIECES)
        self._arrived = asyncio.Event()
        self._late = False
        self._heard: Callable[[WakeWord], None] | None = None

    @property
    def words(self) -> tuple[WordModel, ...]:
        """What is listened for."""
        return self._words

    async def run(self, heard: Callable[[WakeWord], None]) -> None:
        """Work until cancelled; calls `heard` on the event loop."""
        self._heard = heard
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                pieces = tuple(self._waiting)
                self._waiting.clear()
                for word in await asyncio.to_thread(self._listen, pieces):
                    heard(word)
        finally:
            self._heard = None

    def push(self, samples: Samples, end_index: int) -> None:
        """Take the next 16 kHz samples; `end_index` is one past the last."""
        if self._slow:
            self._wait(samples, end_index)
        for ear in self._quick:
            for word in ear.hear(samples, end_index):
                if self._heard is not None:
                    self._heard(word)

    def _wait(self, samples: Samples, end_index: int) -> None:
        if len(self._waiting) == _WAITING_PIECES and self._heard is not None and not self._late:
            self._late = True
            _LOGGER.warning("this machine is too slow for openWakeWord; words may be missed: use --wake-engine micro")
        self._waiting.append((samples, end_index))
        self._arrived.set()

    def _listen(self, pieces: Sequence[tuple[Samples, int]]) -> list[WakeWord]:
        return [word for ear in self._slow for samples, end in pieces for word in ear.hear(samples, end)]
