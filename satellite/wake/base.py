"""What listens for words, and what it hears."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from interject.satellite.errors import HearingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.satellite.audio.base import Samples


RATE_HZ = 16_000


class Role(Enum):
    """What a word is for."""

    WAKE = "wake"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class WordModel:
    """A word that is listened for.

    name: of its model; phrase: what the user says; pipeline: the one of Home Assistant that the word starts (None:
    the preferred one).
    """

    name: str
    phrase: str
    role: Role
    pipeline: str | None = None


@dataclass(frozen=True, slots=True)
class WakeWord:
    """A word that was heard.

    end_index: one past the end of the word, as near as can be told (0.1 s); what was said next begins there. Counted
    like the samples given to `push`; None where nobody knows.
    """

    name: str
    phrase: str
    role: Role
    end_index: int | None
    pipeline: str | None = None


class WakeDetector(Protocol):
    """Listens for words, whatever else goes on."""

    @property
    def words(self) -> tuple[WordModel, ...]:
        """What is listened for."""

    async def run(self, heard: Callable[[WakeWord], None]) -> None:
        """Work until cancelled; calls `heard` on the event loop."""

    def push(self, samples: Samples, end_index: int) -> None:
        """Take the next 16 kHz samples; `end_index` is one past the last. Never blocks, never raises."""


def phrase_of(name: str) -> str:
    """Make what the user says out of a model's name: "okay_nabu_v0.1" gives "okay nabu"."""
    words = name.replace("-", "_").split("_")
    kept = [word for word in words if not _is_version(word)]
    return " ".join(kept or words)


def _is_version(word: str) -> bool:
    return word[:1] == "v" and word[1:].replace(".", "").isdecimal()


class WakeModelError(HearingError):
    """A word's model cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the wake word model {path} {reason}; replace the file, or listen for another word")
        self.path = path
        self.reason = reason


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
