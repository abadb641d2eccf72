"""Runs several wake word detectors as one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.satellite.audio.base import Samples
    from interject.satellite.wake.base import WakeDetector, WakeWord, WordModel


class SeveralDetectors:
    """Listens for all that each of its detectors listens for; a WakeDetector.

    Home Assistant may listen for its wake word while the satellite itself listens for a stop word.
    """

    def __init__(self, detectors: tuple[WakeDetector, ...]) -> None:
        self._detectors = detectors

    @property
    def words(self) -> tuple[WordModel, ...]:
        """What is listened for."""
        return tuple(word for detector in self._detectors for word in detector.words)

    async def run(self, heard: Callable[[WakeWord], None]) -> None:
        """Work until cancelled; `heard` is called on the event loop."""
        async with asyncio.TaskGroup() as tasks:
            for detector in self._detectors:
                tasks.create_task(detector.run(heard))

    def push(self, samples: Samples, end_index: int) -> None:
        """Take the next 16 kHz samples, which end before `end_index`."""
        for detector in self._detectors:
            detector.push(samples, end_index)
