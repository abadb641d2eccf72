"""Settings of wake words and stop words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Self

from interject.satellite.settings.service import PipelineKind
from interject.wire.setting_field import Derived, Words
from interject.wire.settings import option, refused

# The wake word of Home Assistant's own voice hardware; both engines have it.
DEFAULT_WAKE_WORD = "okay_nabu"
_IN_PROCESS = "use --wake-word-name NAME for a word that the satellite itself listens for, or --wake-uri for a service"


class WakeSource(Enum):
    """What listens for wake words."""

    NONE = "none"
    LOCAL = "local"
    REMOTE = "remote"
    HOME_ASSISTANT = "home-assistant"


class WakeEngine(Enum):
    """What listens for words in process."""

    MICRO = "micro"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class WakeWordName(Words):
    """A wake word by its model's name, and the pipeline of Home Assistant that it starts (None: the preferred one)."""

    WORDS: ClassVar[tuple[str, ...]] = ("NAME", "PIPELINE")
    REQUIRED: ClassVar[int] = 1

    name: str
    pipeline: str | None = None

    @classmethod
    def from_words(cls, *words: str) -> Self:
        """Make one of NAME, or of NAME and PIPELINE."""
        if not all(words):
            raise ValueError
        return cls(*words)


@dataclass(frozen=True, slots=True)
class WordThreshold(Words):
    """How sure an engine has to be of a word: 0 to 1."""

    WORDS: ClassVar[tuple[str, ...]] = ("NAME=0.7",)
    REQUIRED: ClassVar[int] = 1

    name: str
    threshold: float

    @classmethod
    def from_words(cls, *words: str) -> Self:
        """Make one of NAME=THRESHOLD."""
        (word,) = words
        name, _, threshold = word.rpartition("=")
        if not name or not 0 < float(threshold) <= 1:
            raise ValueError
        return cls(name, float(threshold))


def _wake_word(given: Mapping[str, Any]) -> WakeSource:
    if given.get("wake_uri"):
        return WakeSource.REMOTE
    if given.get("wake_word_name"):
        return WakeSource.LOCAL
    # As with wyoming-satellite. An open microphone is no surprise to spring on a whole house.
    return WakeSource.HOME_ASSISTANT if given.get("pipeline") is PipelineKind.HOME_ASSISTANT else WakeSource.NONE


def _wake_word_name(given: Mapping[str, Any]) -> tuple[WakeWordName, ...]:
    return (WakeWordName(DEFAULT_WAKE_WORD),) if given["wake_word"] is WakeSource.LOCAL else ()


# No slots: a class cannot inherit from several that have some.
@dataclass(frozen=True)
class WakeSettings:
    """What the satellite listens for while nobody is speaking to it, and while it speaks."""

    GROUP: ClassVar[str] = "Wake words and stop words"
    TABLE: ClassVar[str] = "wake"
    FIRST: ClassVar[tuple[str, ...]] = ("wake_word_name",)

    wake_word: WakeSource = option(
        Derived(WakeSource.NONE, _wake_word),
        "who listens for wake words; none: any speech starts a turn (default: remote with --wake-uri, local with "
        "--wake-word-name, home-assistant with --pipeline home-assistant, else none)",
    )
    wake_uri: str | None = option(None, "wake word service")
    wake_word_name: tuple[WakeWordName, ...] = option(
        Derived((), _wake_word_name),
        f"wake word, and the pipeline of Home Assistant that it asks for (default: {DEFAULT_WAKE_WORD} where the "
        "satellite itself listens)",
    )
    stop_word_name: tuple[str, ...] = option((), "word that silences the satellite and starts no turn", metavar="NAME")
    stop_words: bool = option(
        True,
        'hear "stop" and the like by themselves while the satellite speaks, with pocketsphinx and in English, whatever '
        "else listens for words",
    )
    wake_word_dir: tuple[Path, ...] = option((), "folder with models of further words", metavar="DIR")
    wake_engine: WakeEngine = option(WakeEngine.MICRO, "what listens for words: microWakeWord or openWakeWord")
    wake_threshold: tuple[WordThreshold, ...] = option((), "how sure to be of a word, from 0 to 1")
    wake_refractory_seconds: float = option(
        2.0, "how long after a wake word the same one is not heard again", minimum=0, maximum=60
    )
    wake_command: None = refused(_IN_PROCESS)
    wake_command_rate: None = refused(_IN_PROCESS)
    wake_command_width: None = refused(_IN_PROCESS)
    wake_command_channels: None = refused(_IN_PROCESS)
