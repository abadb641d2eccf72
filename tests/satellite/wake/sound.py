"""Sound for wake word engines, and detectors that are fed with it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.settings.wake import WakeEngine
from interject.satellite.wake.base import RATE_HZ, Role, WakeDetector, WakeWord, WordModel
from interject.satellite.wake.engine import Ear
from interject.satellite.wake.micro import MicroEngine
from interject.satellite.wake.models import find_models
from interject.satellite.wake.open_ww import OpenEngine
from tests.satellite.frontend.speech import CLIPS, clip
from tools.testing.patience import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from interject.satellite.audio.base import Samples

# What the front end hands on at a time.
PIECE = 512
# Where flite's own labels end the wake word in its clip (`flite -psdur`, less what tests/clips/make.py trims).
WORD_ENDS = {"okay_nabu_turn_on_the_light": 17_461, "hey_jarvis_turn_on_the_light": 10_746}
# Read here, since nothing may read a file in an event loop.
_CLIPS = {path.stem: clip(path.stem) for path in CLIPS.glob("*.wav")}


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def with_silence(*names: str) -> Samples:
    """Join clips, a second of silence before and after each."""
    pieces = [silence(1)]
    for name in names:
        pieces += [_CLIPS[name], silence(1)]
    return np.concatenate(pieces)


def pieces_of(samples: Samples, size: int = PIECE, first: int = 0) -> list[tuple[Samples, int]]:
    """Cut samples as a front end hands them on; `first` is the index of the first one."""
    return [(samples[at : at + size], first + min(at + size, len(samples))) for at in range(0, len(samples), size)]


def ear(kind: WakeEngine, *names: str, threshold: float | None = None, refractory_s: float = 2.0) -> Ear:
    """Make an ear for built-in words."""
    models = [model for model in find_models(()) if model.engine is kind and model.name in names]
    engine = (MicroEngine if kind is WakeEngine.MICRO else OpenEngine)(models)
    words = {name: WordModel(name, name, Role.WAKE) for name in names}
    return Ear(engine, words, {} if threshold is None else dict.fromkeys(names, threshold), refractory_s)


def hear(listening: Ear, samples: Samples, size: int = PIECE, first: int = 0) -> list[WakeWord]:
    """Return what an ear hears."""
    return [word for piece, end in pieces_of(samples, size, first) for word in listening.hear(piece, end)]


def names_of(words: Sequence[WakeWord]) -> list[str]:
    return [word.name for word in words]


class Ears:
    """Keeps what a running detector tells."""

    def __init__(self, detector: WakeDetector) -> None:
        self.detector = detector
        self.heard: list[WakeWord] = []

    def tell(self, word: WakeWord) -> None:
        self.heard.append(word)

    async def until(self, count: int) -> None:
        """Wait until so many words were told."""
        await eventually(lambda: len(self.heard) >= count, f"the detector to tell of {count} word(s)")

    def push(self, samples: Samples, size: int = PIECE, first: int = 0) -> None:
        for piece, end in pieces_of(samples, size, first):
            self.detector.push(piece, end)


@asynccontextmanager
async def listening(detector: WakeDetector | None, ears_of: type[Ears] = Ears) -> AsyncIterator[Ears]:
    """Run a detector."""
    assert detector is not None
    ears = ears_of(detector)
    running = asyncio.create_task(detector.run(ears.tell))
    # One turn of the loop for it, and one for those that it starts.
    for _ in range(2):
        await asyncio.sleep(0)
    try:
        yield ears
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
