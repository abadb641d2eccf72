"""Records of a conversation: what was understood, asked, answered, heard and cut off; positions are ms of a reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from interject.wire.trace import Record


@dataclass(frozen=True, slots=True)
class Started(Record):
    """The satellite is ready."""

    KIND: ClassVar[str] = "startup"


@dataclass(frozen=True, slots=True)
class PhaseChanged(Record):
    """The floor has passed on: the phase before, and the phase now.

    event: what made it pass on. speech_ms: how much of the last utterance was voiced. silent_ms: how long ago its last
    voice was.
    """

    KIND: ClassVar[str] = "phase"

    was: str
    phase: str
    event: str
    speech_ms: float
    silent_ms: float


@dataclass(frozen=True, slots=True)
class AwaitsWakeWord(Record):
    """The room is idle, and takes a wake word."""

    KIND: ClassVar[str] = "detect"


@dataclass(frozen=True, slots=True)
class WordDetected(Record):
    """A wake word or a stop word was heard; its end lies `ago_ms` back."""

    KIND: ClassVar[str] = "detection"

    name: str
    phrase: str
    role: str
    ago_ms: float


@dataclass(frozen=True, slots=True)
class StopWordFound(Record):
    """A stop word was found at the beginning of an utterance: taken, or refused for a reason.

    speech_ms: how much of the utterance is voiced. stood_ms: how long it stood there. heard_ms, told_ms: when it was
    heard and told, from the beginning of the utterance on. position_ms: of the reply that sounds.
    """

    KIND: ClassVar[str] = "stop-word"

    phrase: str
    verdict: str
    reason: str | None
    speech_ms: float
    stood_ms: float
    heard_ms: float
    told_ms: float
    position_ms: float


@dataclass(frozen=True, slots=True)
class ListenRequested(Record):
    """A button or a command asked to listen."""

    KIND: ClassVar[str] = "listen-now"


@dataclass(frozen=True, slots=True)
class StopRequested(Record):
    """A button or a command asked to be silent."""

    KIND: ClassVar[str] = "stop-now"


@dataclass(frozen=True, slots=True)
class StreamingStarted(Record):
    """Audio begins to leave the satellite."""

    KIND: ClassVar[str] = "streaming-start"


@dataclass(frozen=True, slots=True)
class StreamingStopped(Record):
    """Audio no longer leaves the satellite."""

    KIND: ClassVar[str] = "streaming-stop"


@dataclass(frozen=True, slots=True)
class TextTyped(Record):
    """The user typed a message."""

    KIND: ClassVar[str] = "typed"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    text: str


@dataclass(frozen=True, slots=True)
class SttOpened(Record):
    """An STT stream was opened; its audio begins at `audio_from` (s of the device's clock)."""

    KIND: ClassVar[str] = "stt-open"

    stream: int
    audio_from: float


@dataclass(frozen=True, slots=True)
class SttEnded(Record):
    """The user's utterance is over; its text is awaited."""

    KIND: ClassVar[str] = "stt-end"

    stream: int


@dataclass(frozen=True, slots=True)
class SttAborted(Record):
    """An STT stream was nothing."""

    KIND: ClassVar[str] = "stt-abort"

    stream: int


@dataclass(frozen=True, slots=True)
class PartialUnderstood(Record):
    """The stable words of a stream, the last 200 characters of so many."""

    KIND: ClassVar[str] = "partial"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    stream: int
    text: str
    characters: int
    confidence: float | None


@dataclass(frozen=True, slots=True)
class TextUnderstood(Record):
    """The whole text of a stream; confidence: how likely it was said, 0 to 1, where that is known."""

    KIND: ClassVar[str] = "transcript"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    stream: int
    text: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class SttFailed(Record):
    """A stream gave no text."""

    KIND: ClassVar[str] = "failed"

    stream: int
    error: str
    brief: str
    stage: str = "stt"


@dataclass(frozen=True, slots=True)
class Decided(Record):
    """A rule decided whether an utterance takes the floor.

    speech_ms: how much of it is voiced. softer_db: how much softer than the user's usual voice. late: the reply had
    gone on without it.
    """

    KIND: ClassVar[str] = "decided"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    stream: int | None
    rule: str
    takes_floor: bool
    text: str
    confidence: float | None
    speech_ms: float
    softer_db: float | None
    late: bool


@dataclass(frozen=True, slots=True)
class TurnEnded(Record):
    """The user's turn is over after a silence of `silence_ms`, by a rule, upon the words that were known by then."""

    KIND: ClassVar[str] = "turn-ended"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    rule: str
    silence_ms: float
    text: str


@dataclass(frozen=True, slots=True)
class QuestionAsked(Record):
    """The user's turn is asked, and gets a reply under a new epoch."""

    KIND: ClassVar[str] = "ask"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    epoch: int
    text: str


@dataclass(frozen=True, slots=True)
class AnnouncementBegun(Record):
    """The room makes way for an announcement under a new epoch."""

    KIND: ClassVar[str] = "announcement"

    epoch: int


@dataclass(frozen=True, slots=True)
class RingBegun(Record):
    """A timer rings under a new epoch."""

    KIND: ClassVar[str] = "ring"

    epoch: int


@dataclass(frozen=True, slots=True)
class RingEnded(Record):
    """A ring is over: played, or cut off for a reason."""

    KIND: ClassVar[str] = "ring-ended"

    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class FirstText(Record):
    """The first text of a reply is there."""

    KIND: ClassVar[str] = "first-text"

    epoch: int


@dataclass(frozen=True, slots=True)
class FirstAudio(Record):
    """The first audio of a reply is there."""

    KIND: ClassVar[str] = "first-audio"

    epoch: int


@dataclass(frozen=True, slots=True)
class WordsMarked(Record):
    """When words of a reply sound: their text, beginning and end."""

    KIND: ClassVar[str] = "word-marks"
    SPEECH: ClassVar[tuple[str, ...]] = ("marks",)

    epoch: int
    marks: list[tuple[str, float, float]]


@dataclass(frozen=True, slots=True)
class ReplyKnown(Record):
    """All of the text of a reply is known."""

    KIND: ClassVar[str] = "synthesize"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    epoch: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyReceived(Record):
    """All audio of a reply is there."""

    KIND: ClassVar[str] = "reply-received"
    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    epoch: int
    text: str
    audio_ms: float


@dataclass(frozen=True, slots=True)
class ReplyStarted(Record):
    """The first sample of a reply has left the loudspeaker."""

    KIND: ClassVar[str] = "reply-started"

    epoch: int


@dataclass(frozen=True, slots=True)
class ReplyPlayed(Record):
    """A reply was played to its end, with so many gaps for want of audio."""

    KIND: ClassVar[str] = "reply-played"

    epoch: int
    played_ms: float
    underruns: int


@dataclass(frozen=True, slots=True)
class ReplyFailed(Record):
    """No more of a reply comes, though it is not complete."""

    KIND: ClassVar[str] = "failed"

    epoch: int
    error: str
    brief: str
    stage: str = "reply"


@dataclass(frozen=True, slots=True)
class ReplyInterrupted(Record):
    """A reply was cut off for a reason, after what was heard of it."""

    KIND: ClassVar[str] = "interrupt"
    SPEECH: ClassVar[tuple[str, ...]] = ("heard",)

    epoch: int
    reason: str
    heard: str
    heard_ms: float


@dataclass(frozen=True, slots=True)
class HistoryCorrected(Record):
    """The bridge has noted what was heard of a reply."""

    KIND: ClassVar[str] = "history-corrected"
    SPEECH: ClassVar[tuple[str, ...]] = ("content",)

    epoch: int
    content: str


@dataclass(frozen=True, slots=True)
class ErrorCued(Record):
    """The user was let hear that something failed."""

    KIND: ClassVar[str] = "error-cue"


@dataclass(frozen=True, slots=True)
class NotUnderstoodCued(Record):
    """The user was let hear that they were not understood."""

    KIND: ClassVar[str] = "not-understood-cue"


@dataclass(frozen=True, slots=True)
class TextOffered(Record):
    """Speech recognition keeps failing: typing is offered."""

    KIND: ClassVar[str] = "offer-text"


@dataclass(frozen=True, slots=True)
class PlaybackChanged(Record):
    """Playback made room or came back, at a position, after going back by `rewound_ms`; and upon which evidence.

    probability: of speech, by the VAD, 0 to 1. is_echo: the echo guard took the window for the loudspeaker. speech_ms:
    how much of the utterance is voiced. text: its stable words. side_speech: it is too soft to be meant for us.
    """

    SPEECH: ClassVar[tuple[str, ...]] = ("text",)

    position_ms: float
    rewound_ms: float
    probability: float
    is_echo: bool
    speech_ms: float
    text: str
    side_speech: bool


@dataclass(frozen=True, slots=True)
class PlaybackDucked(PlaybackChanged):
    """A reply sounds more softly: somebody may be speaking."""

    KIND: ClassVar[str] = "duck"


@dataclass(frozen=True, slots=True)
class PlaybackUnducked(PlaybackChanged):
    """A reply sounds at full level again."""

    KIND: ClassVar[str] = "unduck"


@dataclass(frozen=True, slots=True)
class PlaybackPaused(PlaybackChanged):
    """A reply is held: somebody speaks."""

    KIND: ClassVar[str] = "pause"


@dataclass(frozen=True, slots=True)
class PlaybackResumed(PlaybackChanged):
    """A reply goes on."""

    KIND: ClassVar[str] = "resume"


@dataclass(frozen=True, slots=True)
class SentenceRepeated(PlaybackChanged):
    """A reply goes on from the beginning of the sentence that was heard last, because the user asked for it."""

    KIND: ClassVar[str] = "say-again"
