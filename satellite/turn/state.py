"""Everything that the turn machine knows: who has the floor, and what it remembers whoever has it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import Enum

from interject.satellite.turn.utterance import Utterance, Voice


class Phase(Enum):
    """Phase of a turn: whether user or assistant has the floor."""

    # Nobody.
    IDLE = "idle"
    # The user, who speaks or may go on.
    LISTENING = "listening"
    # The user has finished; the text is awaited.
    TRANSCRIBING = "transcribing"
    # The question is asked, or an announcement is on its way; nothing of it sounds yet.
    THINKING = "thinking"
    # The satellite.
    SPEAKING = "speaking"
    # The satellite, which holds its tongue because somebody speaks.
    INTERRUPTED = "interrupted"


class SegmentState(Enum):
    """How far a piece of the user's turn has come."""

    OPEN = "open"
    ENDING = "ending"
    FINAL = "final"


class Kind(Enum):
    """What an epoch says."""

    REPLY = "reply"
    ANNOUNCEMENT = "announcement"
    RING = "ring"


class Barge(Enum):
    """What the present utterance has done to playback."""

    NONE = "none"
    DUCKED = "ducked"
    HELD = "held"
    # It stayed too thin to be confirmed, and playback goes on as if it were not there.
    DISMISSED = "dismissed"
    # It is over, its words are long in coming, and playback goes on ducked until they do.
    SOFT = "soft"


class Origin(Enum):
    """What a turn of the user's began from."""

    SILENCE = "silence"
    # A voice took the floor from a reply that sounded.
    BARGE_IN = "barge-in"
    # It took the floor from a reply otherwise: by a word, a button, or before the first sound.
    CUT = "cut"
    # It began in a reply that then came to its end.
    INTO_REPLY = "into-reply"

    @property
    def cut(self) -> bool:
        """Whether a reply was cut off for it."""
        return self in {Origin.BARGE_IN, Origin.CUT}


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the user's speech with an STT stream of its own; `speech_ms` of it was voiced, as `voice` says.

    side_speech: it began too softly to be meant for us. ended_s: when its stream ended, from when on its text is
    awaited. confidence: how likely it is that the text was said, 0 to 1, None where that is not known.
    """

    stream: int
    text: str = ""
    state: SegmentState = SegmentState.OPEN
    speech_ms: float = 0.0
    voice: Voice = field(default_factory=Voice)
    side_speech: bool = False
    ended_s: float | None = None
    confidence: float | None = None


# Typed text is a segment that was never a stream.
TYPED = 0


@dataclass(frozen=True, slots=True)
class Idle:
    """Nobody has the floor; until `follow_up_until` a voice begins a turn without a wake word."""

    follow_up_until: float | None = None


@dataclass(frozen=True, slots=True)
class Listening:
    """The user has the floor until `listen_until` at most; until `voice_until` a turn after a wake word may begin."""

    listen_until: float
    origin: Origin = Origin.SILENCE
    voice_until: float | None = None


@dataclass(frozen=True, slots=True)
class Transcribing:
    """The user has finished, unless the voice goes on before `listen_until` (None: at any time)."""

    origin: Origin = Origin.SILENCE
    listen_until: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The newest epoch, which is still wanted: it is being made, or sounds since it `started`.

    failed: no more of it will come. Of what is said into it: `barge` is what it has done to playback,
    `undecided_until` when that ends without a decision, `held_until` the latest moment at which a pause ends.
    side_speeches: how often in a row it went on over somebody too soft, who insists by speaking again until
    `insisting_until`. on_hold_until: the user has asked it to wait, which it does until then, unless somebody takes the
    floor or says "go on". reply_until: when its first sound should have come, None since it has, and while it waits.
    """

    kind: Kind = Kind.REPLY
    started: bool = False
    failed: bool = False
    barge: Barge = Barge.NONE
    undecided_until: float | None = None
    held_until: float = math.inf
    reply_until: float | None = None
    side_speeches: int = 0
    insisting_until: float | None = None
    on_hold_until: float | None = None


Floor = Idle | Listening | Transcribing | Reply


class NoReplyError(Exception):
    """A rule about a reply was applied while there is none."""

    def __init__(self, phase: Phase) -> None:
        super().__init__(f"there is no reply in {phase}")
        self.phase = phase


@dataclass(frozen=True, slots=True)
class State:
    """The turn machine between two events; times are seconds of the device's clock.

    `floor` is what counts in the present phase alone. `epoch` counts replies, announcements and rings, `streams` the
    STT streams. `segments` is the user's turn so far, or, into a reply, what was said and is undecided; `utterance` is
    what the VAD hears now. question: the newest reply asks the user something. user: what the user's voice is
    usually like. stt_failures: how many streams in a row gave no text; stt_delay_s: how long after the end of a stream
    its text came lately; tells_confidence: the recogniser says how likely its words are. ring_due: a timer has
    finished and has not rung.
    """

    floor: Floor = field(default_factory=Idle)
    epoch: int = 0
    streams: int = 0
    segments: tuple[Segment, ...] = ()
    utterance: Utterance = field(default_factory=Utterance)
    question: bool = False
    user: Voice = field(default_factory=Voice)
    stt_failures: int = 0
    stt_delay_s: float | None = None
    tells_confidence: bool = False
    ring_due: bool = False

    @property
    def phase(self) -> Phase:
        """Phase of a turn: whether user or assistant has the floor."""
        match self.floor:
            case Idle():
                return Phase.IDLE
            case Listening():
                return Phase.LISTENING
            case Transcribing():
                return Phase.TRANSCRIBING
            case Reply(started=False):
                return Phase.THINKING
            case Reply(barge=Barge.HELD):
                return Phase.INTERRUPTED
            case Reply():
                return Phase.SPEAKING

    @property
    def reply(self) -> Reply | None:
        """The newest epoch while it is still wanted."""
        return self.floor if isinstance(self.floor, Reply) else None

    @property
    def live(self) -> bool:
        """Whether the newest epoch is still wanted."""
        return isinstance(self.floor, Reply)

    @property
    def rings(self) -> bool:
        """Whether a timer rings, or is about to."""
        return self.reply is not None and self.reply.kind is Kind.RING

    @property
    def origin(self) -> Origin:
        """What the user's turn began from; silence where there is no turn."""
        return self.floor.origin if isinstance(self.floor, Listening | Transcribing) else Origin.SILENCE

    @property
    def open_segment(self) -> Segment | None:
        """The segment that takes audio now."""
        last = self.segments[-1] if self.segments else None
        return last if last is not None and last.state is SegmentState.OPEN else None

    @property
    def waiting(self) -> bool:
        """Whether any segment still lacks its final text."""
        return any(segment.state is not SegmentState.FINAL for segment in self.segments)

    def segment(self, stream: int) -> Segment | None:
        """Find the segment of a stream that still owes its text; typed and final ones owe nothing."""
        unfinished = (segment for segment in self.segments if segment.state is not SegmentState.FINAL)
        return next((segment for segment in unfinished if segment.stream == stream), None)

    @property
    def ending(self) -> Segment | None:
        """The first segment whose text is awaited."""
        return next((segment for segment in self.segments if segment.state is SegmentState.ENDING), None)

    def with_segment(self, changed: Segment) -> State:
        """Replace the segment of the same stream."""
        return replace(self, segments=tuple(changed if s.stream == changed.stream else s for s in self.segments))

    def with_reply(self, changed: Reply) -> State:
        """Replace the reply that has the floor."""
        return replace(self, floor=changed)

    def without(self, stream: int) -> State:
        """Drop a segment."""
        return replace(self, segments=tuple(s for s in self.segments if s.stream != stream))


def reply_of(state: State) -> Reply:
    """Return the reply that has the floor; raises NoReplyError where none has."""
    if not isinstance(state.floor, Reply):
        raise NoReplyError(state.phase)
    return state.floor
