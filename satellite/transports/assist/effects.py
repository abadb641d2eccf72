"""What a conversation through Home Assistant wants done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.satellite.transports.assist.events import Woken
    from interject.wire.errors import InterjectError
    from interject.wire.trace import Record


@dataclass(frozen=True, slots=True)
class SendNullRun:
    """Have Home Assistant end whatever run is under way: a run that fails before it begins."""


@dataclass(frozen=True, slots=True)
class SendRun:
    """Begin a run, with `detection` before it when a wake word of ours began the turn, and stream these utterances.

    `pipeline`: the one of Home Assistant to run; None: the one that the user prefers.
    """

    run: int
    streams: tuple[int, ...]
    woken: Woken | None = None
    pipeline: str | None = None


@dataclass(frozen=True, slots=True)
class SendWakeRun:
    """Begin a run that waits for Home Assistant's own wake word, and stream the microphone."""

    run: int


@dataclass(frozen=True, slots=True)
class StreamAlso:
    """Let the present run have these utterances, of which it knows the first already."""

    streams: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StopStreaming:
    """Send no more of the microphone."""


@dataclass(frozen=True, slots=True)
class SendAudioStop:
    """Tell Home Assistant that the user's turn is over."""


@dataclass(frozen=True, slots=True)
class SendPlayed:
    """Tell Home Assistant that playback is over."""


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop the audio of utterances."""

    streams: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OpenOwn:
    """Have our own STT server listen to an utterance too."""

    stream: int


@dataclass(frozen=True, slots=True)
class EndOwn:
    """Have our own STT server say what it made out."""

    stream: int


@dataclass(frozen=True, slots=True)
class DropOwn:
    """Want nothing more of our own STT server for an utterance."""

    stream: int


@dataclass(frozen=True, slots=True)
class TellText:
    """Tell the turn machine what an utterance says; confidence: how likely it is that it was said, if known."""

    stream: int
    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class TellSttFailed:
    """Tell the turn machine that an utterance has no text."""

    stream: int
    error: InterjectError


@dataclass(frozen=True, slots=True)
class Bind:
    """What comes, and came, in a feed is the reply of an epoch."""

    feed: int
    epoch: int


@dataclass(frozen=True, slots=True)
class FeedText:
    """The text of a reply."""

    feed: int
    text: str


@dataclass(frozen=True, slots=True)
class FeedAudio:
    """More speech of a reply or an announcement."""

    feed: int
    audio: bytes
    rate_hz: int


@dataclass(frozen=True, slots=True)
class EndFeed:
    """Nothing more comes of a reply or an announcement; `error` when it should have."""

    feed: int
    error: InterjectError | None = None


@dataclass(frozen=True, slots=True)
class DropFeed:
    """Nobody wants any more of a reply or an announcement."""

    feed: int


@dataclass(frozen=True, slots=True)
class Announce:
    """Have the room make way for an announcement."""

    feed: int


@dataclass(frozen=True, slots=True)
class TellWord:
    """Tell the turn machine of Home Assistant's wake word."""

    name: str


@dataclass(frozen=True, slots=True)
class Note:
    """Leave a record."""

    record: Record


Effect = (
    SendNullRun
    | SendRun
    | SendWakeRun
    | StreamAlso
    | StopStreaming
    | SendAudioStop
    | SendPlayed
    | Forget
    | OpenOwn
    | EndOwn
    | DropOwn
    | TellText
    | TellSttFailed
    | Bind
    | FeedText
    | FeedAudio
    | EndFeed
    | DropFeed
    | Announce
    | TellWord
    | Note
)
