"""What happens to a conversation through Home Assistant, and what it wants done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wire.errors import InterjectError


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
    """Our own STT server made out all of an utterance."""

    stream: int
    text: str


@dataclass(frozen=True, slots=True)
class OwnFailed:
    """Our own STT server gives no text for an utterance."""

    stream: int
    error: InterjectError


@dataclass(frozen=True, slots=True)
class OwnTextTold:
    """The turn machine knows what our own STT server made out, and has decided."""

    stream: int


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
class TextTold:
    """The turn machine knows what Home Assistant understood, and has decided."""

    run: int


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
    | Cancelled
    | Played
    | Woken
    | OwnText
    | OwnFailed
    | OwnTextTold
    | Connected
    | Lost
    | Transcribing
    | VoiceStarted
    | VoiceStopped
    | Transcribed
    | TextTold
    | Synthesized
    | SpeechStarted
    | Speech
    | SpeechStopped
    | Failed
    | WordDetected
    | Announced
    | Tick
)


@dataclass(frozen=True, slots=True)
class SendNullRun:
    """Have Home Assistant end whatever run is under way: a run that fails before it begins."""


@dataclass(frozen=True, slots=True)
class SendRun:
    """Begin a run, with `detection` before it when a wake word of ours began the turn, and stream these utterances."""

    run: int
    streams: tuple[int, ...]
    woken: Woken | None = None


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
    """Tell the turn machine what an utterance says."""

    stream: int
    text: str


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

    kind: str
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Then:
    """Take this event when what came before is done."""

    event: Event


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
    | Then
)
