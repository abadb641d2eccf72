"""What happens to a conversation through Home Assistant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.wire.errors import InterjectError


@dataclass(frozen=True, slots=True)
class Opened:
    """The user began an utterance."""

    stream: int


@dataclass(frozen=True, slots=True)
class Ended:
    """An utterance is over."""

    stream: int


@dataclass(frozen=True, slots=True)
class Aborted:
    """An utterance was nothing."""

    stream: int


@dataclass(frozen=True, slots=True)
class Asked:
    """The user's turn wants an answer."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """The user's turn is over, and nothing is asked."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A reply or an announcement was cut off, for the reason that an `interrupt` gives."""

    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class Played:
    """A reply or an announcement came to its end."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Woken:
    """A wake word that we detected begins the next utterance; `pipeline` as the user set it for that word."""

    name: str
    pipeline: str | None = None


@dataclass(frozen=True, slots=True)
class OwnText:
    """Our own STT server made out all of an utterance; confidence: how likely it is that it was said, if known."""

    stream: int
    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class OwnFailed:
    """Our own STT server gives no text for an utterance."""

    stream: int
    error: InterjectError


@dataclass(frozen=True, slots=True)
class Connected:
    """Home Assistant is ready for us."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection to Home Assistant is gone."""

    error: InterjectError


@dataclass(frozen=True, slots=True)
class Transcribing:
    """Home Assistant's `transcribe`: it takes audio now."""


@dataclass(frozen=True, slots=True)
class VoiceStarted:
    """Home Assistant's VAD hears speech."""


@dataclass(frozen=True, slots=True)
class VoiceStopped:
    """Home Assistant's VAD has ended the user's turn."""


@dataclass(frozen=True, slots=True)
class Transcribed:
    """What Home Assistant understood."""

    text: str


@dataclass(frozen=True, slots=True)
class Synthesized:
    """The whole text of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """An `audio-start`."""


@dataclass(frozen=True, slots=True)
class Speech:
    """An `audio-chunk`, made 16-bit mono."""

    timestamp_ms: int | None
    length_ms: int
    audio: bytes
    rate_hz: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """An `audio-stop`."""

    timestamp_ms: int | None


@dataclass(frozen=True, slots=True)
class Failed:
    """An `error` event."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class WordDetected:
    """Home Assistant's own wake word."""

    name: str


@dataclass(frozen=True, slots=True)
class Unpaused:
    """Home Assistant's mute switch is off again, which ended whatever run there was."""


@dataclass(frozen=True, slots=True)
class Announced:
    """The room makes way for an announcement."""

    feed: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A deadline has come."""


Event = (
    Opened
    | Ended
    | Aborted
    | Asked
    | Dropped
    | Cancelled
    | Played
    | Woken
    | OwnText
    | OwnFailed
    | Connected
    | Lost
    | Transcribing
    | VoiceStarted
    | VoiceStopped
    | Transcribed
    | Synthesized
    | SpeechStarted
    | Speech
    | SpeechStopped
    | Failed
    | WordDetected
    | Unpaused
    | Announced
    | Tick
)
