"""What happens to the turn machine, and what it wants done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class VoiceWindow:
    """The VAD judged the window that ends now; `own_voice`: the echo guard says that it is only our loudspeaker."""

    probability: float
    own_voice: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """The user typed a whole message."""

    text: str


@dataclass(frozen=True, slots=True)
class Partial:
    """All words of an STT stream that will not change any more."""

    stream: int
    text: str


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The final text of an STT stream."""

    stream: int
    text: str


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
    TEXT = "text"
    EARLY = "early"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OpenStt:
    """Open an STT stream that begins `pre_roll_ms` ago, but not before the end of the previous one's last voice."""

    stream: int
    pre_roll_ms: float


@dataclass(frozen=True, slots=True)
class EndStt:
    """Send no more audio on a stream and wait for its text."""

    stream: int


@dataclass(frozen=True, slots=True)
class AbortStt:
    """Forget a stream; its audio was nothing."""

    stream: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Have a reply generated and spoken under a new epoch."""

    epoch: int
    text: str


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop speaking, synthesis and generation of an epoch, and tell the servers what was heard of it."""

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
class ErrorCue:
    """Let the user hear that something failed."""


@dataclass(frozen=True, slots=True)
class OfferText:
    """Speech recognition keeps failing: offer typing."""


Effect = OpenStt | EndStt | AbortStt | Ask | CancelReply | Duck | Unduck | Pause | Resume | ErrorCue | OfferText
