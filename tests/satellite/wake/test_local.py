"""An engine that takes its time listens in a thread, and holds up nobody."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.wake.base import Role, WordModel
from interject.satellite.wake.engine import Ear, LoadedWord, LocalWake
from tests.satellite.wake.sound import listening
from tools.testing.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from interject.satellite.audio.base import Samples

BLOCK = 320
WORD = WordModel("word", "word", Role.WAKE)


class LoudEngine:
    """Takes loud samples for its word, and waits for leave before each block."""

    block_samples = BLOCK

    def __init__(self) -> None:
        self.leave = threading.Event()
        self.processed = 0

    @property
    def words(self) -> tuple[LoadedWord, ...]:
        return (LoadedWord("word", "word", 0.5, 0.0),)

    def process(self, block: Samples) -> Iterator[tuple[str, float]]:
        assert self.leave.wait(PATIENCE_S)
        self.processed += 1
        yield "word", float(block.max() > 0)


def quiet(count: int) -> Samples:
    return np.zeros(count * BLOCK, np.int16)


def loud(count: int) -> Samples:
    return quiet(count) + np.int16(9)


def made(engine: LoudEngine) -> LocalWake:
    return LocalWake((WORD,), quick=(), slow=(Ear(engine, {"word": WORD}, {}, 0.0),))


async def test_a_word_that_the_thread_hears_late_has_its_own_place() -> None:
    engine = LoudEngine()
    async with listening(made(engine)) as ears:
        ears.push(np.concatenate([quiet(10), loud(1), quiet(20)]), BLOCK)
        engine.leave.set()
        await ears.until(1)
        assert [word.end_index for word in ears.heard] == [11 * BLOCK]


async def test_an_engine_that_is_too_slow_drops_the_oldest_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    engine = LoudEngine()
    async with listening(made(engine)) as ears:
        ears.push(np.concatenate([quiet(5), loud(5), quiet(500), loud(2)]), BLOCK)
        engine.leave.set()
        await ears.until(1)
        assert [word.end_index for word in ears.heard] == [511 * BLOCK]
        assert engine.processed < 100
        assert len([record for record in caplog.records if "too slow" in record.getMessage()]) == 1


async def test_words_of_the_thread_are_not_told_after_the_end() -> None:
    engine = LoudEngine()
    detector = made(engine)
    async with listening(detector) as ears:
        ears.push(loud(5), BLOCK)
    engine.leave.set()
    detector.push(loud(5), 10 * BLOCK)
    assert ears.heard == []
