"""What turns sound into the probability of words, and the ear that makes words of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from interject.satellite.wake.base import RATE_HZ, WakeWord, WordModel
from interject.satellite.wake.blocks import Blocks
from interject.satellite.wake.trigger import Trigger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from interject.satellite.audio.base import Samples


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
