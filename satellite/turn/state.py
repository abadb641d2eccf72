"""Everything that the turn machine knows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import Enum

from interject.satellite.turn.evidence import Evidence
from interject.satellite.turn.voice import Voice


class Phase(Enum):
    """Who has the floor."""

    IDLE = "idle"
    LISTENING = "listening"
    PROCESSING = "processing"
    SPEAKING = "speaking"
    INTERRUPTED = "interrupted"


class SegmentState(Enum):
    """How far a piece of the user's turn has come."""

    OPEN = "open"
    ENDING = "ending"
    FINAL = "final"


class Kind(Enum):
    """What the newest epoch says."""

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
class State:
    """The turn machine between two events.

    `epoch` counts replies and `live` says whether the newest one is still wanted. While it is, `segments` is what the
    user said into it so far, undecided; otherwise it is the user's turn so far. `cut` says that this turn took the
    floor from a reply, `into_reply` that it began in a reply which then came to its end. `voice_until` is set while a
    turn that a wake word began still waits for its first voice. `user` is what the user's voice is usually like,
    `side_speeches` how often in a row this reply went on over somebody too soft, who insists by speaking again until
    `insisting_until`, `ring_due` that a timer has finished and has not rung. `tells_confidence`: the recogniser says
    how likely its words are. `stt_delay_s` is how long after the end of a stream its text came lately, `held_until` the
    latest moment at which a pause ends. Times are seconds of the device's clock.
    """

    phase: Phase = Phase.IDLE
    epoch: int = 0
    live: bool = False
    kind: Kind = Kind.REPLY
    failed: bool = False
    question: bool = False
    cut: bool = False
    into_reply: bool = False
    barge: Barge = Barge.NONE
    streams: int = 0
    segments: tuple[Segment, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    stt_failures: int = 0
    undecided_until: float | None = None
    held_until: float = math.inf
    stt_delay_s: float | None = None
    listen_until: float | None = None
    stt_until: float | None = None
    reply_until: float | None = None
    voice_until: float | None = None
    follow_up_until: float | None = None
    user: Voice = field(default_factory=Voice)
    tells_confidence: bool = False
    side_speeches: int = 0
    insisting_until: float | None = None
    ring_due: bool = False

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

    def without(self, stream: int) -> State:
        """Drop a segment."""
        return replace(self, segments=tuple(s for s in self.segments if s.stream != stream))
