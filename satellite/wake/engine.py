"""What turns sound into the probability of words, and the ear that makes words of it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from interject.satellite.wake.base import RATE_HZ, WakeWord, WordModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from interject.satellite.audio.base import Samples


# From here on a model tends towards its word. It crosses this at much the same moment of the word, whoever says it,
# whereas a high threshold is reached sooner by one voice and later by another (see tools/bench/wake.py).
RISEN = 0.5


_LOGGER = logging.getLogger(__name__)

# Samples that wait for a thread. It is a second behind only on a machine that is too slow for the engine, and there
# an old word is worth less than a new one.
_WAITING_PIECES = 50


class Blocks:
    """Cuts a stream into blocks; what lies before a gap in the indices and fills no block is dropped."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rest: Samples = np.zeros(0, np.int16)
        self._end = 0

    def cut(self, samples: Samples, end_index: int) -> Iterator[tuple[Samples, int]]:
        """Add samples; yield each full block with one past the index of its last sample."""
        follows = end_index - len(samples) == self._end
        self._end = end_index
        whole = np.concatenate([self._rest, samples]) if follows else samples
        full = len(whole) - len(whole) % self._size
        self._rest = whole[full:].copy()
        first_end = end_index - len(whole) + self._size
        for at in range(0, full, self._size):
            yield whole[at : at + self._size], first_end + at


class Refractory:
    """Counts a word once in so many samples."""

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._last: int | None = None

    def allows(self, index: int) -> bool:
        """Tell whether a word heard at `index` counts; if it does, the time begins anew."""
        if self._last is not None and index < self._last + self._samples:
            return False
        self._last = index
        return True


class Trigger:
    """Fires when a word's probability rises above a threshold, once for each time that it is said."""

    def __init__(self, threshold: float, refractory_samples: int) -> None:
        self._threshold = threshold
        self._refractory = Refractory(refractory_samples)
        self._above = False
        self._risen_at: int | None = None

    def feed(self, probability: float, index: int) -> int | None:
        """Take the next probability, known at sample `index`; if the word is heard now, return where it had risen."""
        if probability <= min(RISEN, self._threshold):
            self._risen_at = None
        elif self._risen_at is None:
            self._risen_at = index
        rises = probability > self._threshold and not self._above
        self._above = probability > self._threshold
        return self._risen_at if rises and self._refractory.allows(index) else None


@dataclass(frozen=True, slots=True)
class LoadedWord:
    """What is known of a model: its name, what the user says, how sure to be (0 to 1).

    end_lag_s: how long after the end of its word the model has risen (trigger.RISEN).
    """

    name: str
    phrase: str
    threshold: float
    end_lag_s: float


class Engine(Protocol):
    """Models of several words that share their work; not safe for several threads at once."""

    block_samples: int

    @property
    def words(self) -> tuple[LoadedWord, ...]:
        """What is known of the models."""

    def process(self, block: Samples) -> Iterator[tuple[str, float]]:
        """Yield names and probabilities as they are known; a block has `block_samples` samples of 16 kHz."""


class Ear:
    """Hears the words of one engine.

    words: by the names of their models, one for each of the engine's; thresholds: by the same names, where others
    than the models' own are wanted.
    """

    def __init__(
        self, engine: Engine, words: Mapping[str, WordModel], thresholds: Mapping[str, float], refractory_s: float
    ) -> None:
        self._engine = engine
        self._words = words
        self._blocks = Blocks(engine.block_samples)
        self._lags = {word.name: round(word.end_lag_s * RATE_HZ) for word in engine.words}
        self._triggers = {
            word.name: Trigger(thresholds.get(word.name, word.threshold), round(refractory_s * RATE_HZ))
            for word in engine.words
        }

    def hear(self, samples: Samples, end_index: int) -> Iterator[WakeWord]:
        """Take the next samples; yield the words that are heard in them."""
        for block, block_end in self._blocks.cut(samples, end_index):
            for name, probability in self._engine.process(block):
                risen_at = self._triggers[name].feed(probability, block_end)
                if risen_at is not None:
                    word = self._words[name]
                    yield WakeWord(name, word.phrase, word.role, max(0, risen_at - self._lags[name]), word.pipeline)


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
