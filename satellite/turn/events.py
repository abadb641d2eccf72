"""What happens to the turn machine, and what it wants done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.satellite.turn.endpointing import EndRule
    from interject.satellite.turn.floor import Rule, Said
    from interject.satellite.turn.state import Phase


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class VoiceWindow:
    """The VAD judged the window that ends now; `is_echo`: the echo guard says that it is only our loudspeaker.

    `level_db` is how loud it was, in dBFS (None if nobody measured it), `bright_share` how much of its power lay above
    1.5 kHz.
    """

    probability: float
    is_echo: bool = False
    level_db: float | None = None
    bright_share: float = 0.0


@dataclass(frozen=True, slots=True)
class WakeWord:
    """A wake word was heard; its end lies `ago_ms` back."""

    name: str
    ago_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class StopWord:
    """A stop word was heard by the detector that listens for nothing else."""


@dataclass(frozen=True, slots=True)
class ListenNow:
    """Somebody asked for it at the satellite itself, by a button or a command: listen."""


@dataclass(frozen=True, slots=True)
class StopNow:
    """Somebody asked for it at the satellite itself, by a button or a command: be silent."""


@dataclass(frozen=True, slots=True)
class Announced:
    """Somebody wants something announced: it goes before conversation."""


@dataclass(frozen=True, slots=True)
class TimerFinished:
    """A timer has run out."""


@dataclass(frozen=True, slots=True)
class Muted:
    """The microphone was switched off."""


@dataclass(frozen=True, slots=True)
class Typed:
    """The user typed a whole message."""

    text: str


@dataclass(frozen=True, slots=True)
class Partial:
    """All words of an STT stream that will not change any more.

    confidence: how likely it is, from 0 to 1, that they were said; None where the recogniser does not tell.
    """

    stream: int
    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The final text of an STT stream; `confidence` as in `Partial`."""

    stream: int
    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class SttFailed:
    """An STT stream gives no text."""

    stream: int


@dataclass(frozen=True, slots=True)
class ReplyText:
    """All text of a reply known so far."""

    epoch: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """The first sample of a reply has left the loudspeaker."""

    epoch: int


@dataclass(frozen=True, slots=True)
class ReplyPlayed:
    """The last sample of a reply has left the loudspeaker, or it turned out to have none."""

    epoch: int


@dataclass(frozen=True, slots=True)
class ReplyFailed:
    """No more of a reply will come, though it is not complete."""

    epoch: int


Event = (
    Tick
    | VoiceWindow
    | WakeWord
    | StopWord
    | ListenNow
    | StopNow
    | Announced
    | TimerFinished
    | Muted
    | Typed
    | Partial
    | Transcribed
    | SttFailed
    | ReplyText
    | ReplyStarted
    | ReplyPlayed
    | ReplyFailed
)


class CancelReason(Enum):
    """Why a reply was cut; the value goes over the wire."""

    SPEECH = "speech"
    STOP_WORD = "stop-word"
    WAKE_WORD = "wake-word"
    ANNOUNCEMENT = "announcement"
    TEXT = "text"
    EARLY = "early"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Decided:
    """Record by which rule, and on what evidence, an utterance took the floor, was refused, or was not asked."""

    rule: Rule
    said: Said


@dataclass(frozen=True, slots=True)
class OpenStt:
    """Open an STT stream that begins `pre_roll_ms` ago, but not before the end of the previous one's last voice.

    into_reply: a reply is live, whose words the stream may hold too.
    """

    stream: int
    pre_roll_ms: float
    into_reply: bool = False


@dataclass(frozen=True, slots=True)
class EndStt:
    """Send no more audio on a stream and wait for its text."""

    stream: int


@dataclass(frozen=True, slots=True)
class AbortStt:
    """Forget a stream; its audio was nothing."""

    stream: int


@dataclass(frozen=True, slots=True)
class ForgetStt:
    """Forget what a stream said: it belongs to no question that is still to come."""

    stream: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Have a reply generated and spoken under a new epoch."""

    epoch: int
    text: str


@dataclass(frozen=True, slots=True)
class Awake:
    """Let the user know that the wake word was heard."""

    name: str


@dataclass(frozen=True, slots=True)
class Announce:
    """Play what comes as an announcement under a new epoch."""

    epoch: int


@dataclass(frozen=True, slots=True)
class StartRing:
    """Ring for a timer under a new epoch, over and over."""

    epoch: int


@dataclass(frozen=True, slots=True)
class RingOnce:
    """Let the user hear at once that a timer has finished; it rings when the conversation is over."""


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop what sounds under an epoch, and who makes it, and tell them what was heard of it."""

    epoch: int
    reason: CancelReason


@dataclass(frozen=True, slots=True)
class Duck:
    """Speak more softly: somebody may be speaking."""


@dataclass(frozen=True, slots=True)
class Unduck:
    """Speak at full level again: it was nothing."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Hold playback, before its first sample or within it."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on speaking from the last word boundary."""


@dataclass(frozen=True, slots=True)
class SayAgain:
    """Go on speaking from the beginning of the sentence that was heard last."""


@dataclass(frozen=True, slots=True)
class ErrorCue:
    """Let the user hear that something failed."""


@dataclass(frozen=True, slots=True)
class NotUnderstoodCue:
    """Let the user hear that what was said into a reply, which is over, was not understood."""


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """Another phase has begun."""

    was: Phase
    phase: Phase


@dataclass(frozen=True, slots=True)
class VoiceBegan:
    """An utterance began at `onset_s`, in seconds of the device's clock."""

    onset_s: float


@dataclass(frozen=True, slots=True)
class VoiceEnded:
    """The utterance that was going on is over."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """Record by which rule, after which silence and upon which words the user's turn is over."""

    rule: EndRule
    silence_ms: float
    text: str


@dataclass(frozen=True, slots=True)
class TurnEndedCue:
    """Let the user hear that their turn is over."""


@dataclass(frozen=True, slots=True)
class AwaitWakeWord:
    """The room is idle, and only a wake word begins a turn."""


@dataclass(frozen=True, slots=True)
class TurnDropped:
    """The user's turn is over, and nothing is asked."""


@dataclass(frozen=True, slots=True)
class ReplyOver:
    """Nothing more of an epoch is wanted."""

    epoch: int


@dataclass(frozen=True, slots=True)
class EmptyBargeIn:
    """A voice cut a reply off, and the turn that followed had no words: it may have been the echo."""


@dataclass(frozen=True, slots=True)
class OfferText:
    """Speech recognition keeps failing: offer typing."""


Effect = (
    Decided
    | OpenStt
    | EndStt
    | AbortStt
    | ForgetStt
    | Awake
    | Ask
    | Announce
    | StartRing
    | RingOnce
    | CancelReply
    | Duck
    | Unduck
    | Pause
    | Resume
    | SayAgain
    | ErrorCue
    | NotUnderstoodCue
    | PhaseChanged
    | VoiceBegan
    | VoiceEnded
    | TurnEnded
    | TurnEndedCue
    | AwaitWakeWord
    | TurnDropped
    | ReplyOver
    | EmptyBargeIn
    | OfferText
)
