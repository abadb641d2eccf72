"""Everything that is known of a conversation through Home Assistant, apart from its audio."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from interject.satellite.transports.assist.demux import Demux

if TYPE_CHECKING:
    from interject.satellite.transports.assist.effects import Effect
    from interject.satellite.transports.assist.events import Woken


class Hearing(Enum):
    """The recogniser that hears an utterance which may be an interruption."""

    NOBODY = "nobody"
    # Our own STT server, which --stt-uri gives.
    OWN_STT = "own-stt"


class WakeIn(Enum):
    """Whether Home Assistant listens for its own wake word while it has nothing else to do."""

    SATELLITE = "satellite"
    HOME_ASSISTANT = "home-assistant"


@dataclass(frozen=True, slots=True)
class Policy:
    """How turns are taken with this Home Assistant."""

    hearing: Hearing = Hearing.NOBODY
    wake: WakeIn = WakeIn.SATELLITE
    # The silence that ends a turn: text may be there this much before it is asked.
    endpoint_silence_ms: float = 600.0
    # Home Assistant says nothing when an answer is empty; a large model on a small machine takes as long.
    reply_timeout_s: float = 90.0


class RunPhase(Enum):
    """How far a run of Home Assistant's pipeline has come; the first two are not yet known to it."""

    # The user may go on: nothing is sent before it is clear what belongs to the turn.
    HELD = "held"
    # The null run before it is still to be acknowledged.
    PLANNED = "planned"
    # Home Assistant waits for its own wake word.
    WAKE = "wake"
    # Audio goes out, live.
    LISTENING = "listening"
    # All audio is out; the text is awaited.
    STOPPED = "stopped"
    # The text is there, the answer is awaited.
    THINKING = "thinking"
    # Speech has begun to come.
    SPEAKING = "speaking"


class Start(Enum):
    """What a run begins with."""

    SPEECH = "speech"
    WAKE_WORD = "wake-word"


@dataclass(frozen=True, slots=True)
class Piece:
    """An utterance: part of the user's turn, or `speculative` while a reply may go on over it."""

    stream: int
    speculative: bool = False
    ended: bool = False
    # The turn machine knows its text.
    final: bool = False
    # Our own STT server still listens to it.
    own: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A run of Home Assistant's pipeline: the utterances it gets, those that wait for its text, and its reply.

    What has come of it: `transcribing`, `voice` (of its VAD), `detected` (its wake word), `text` (of the reply),
    `opened` and `spoken` (the beginning and the end of its speech).
    """

    number: int
    streams: tuple[int, ...] = ()
    tell: tuple[int, ...] = ()
    phase: RunPhase = RunPhase.PLANNED
    start: Start = Start.SPEECH
    # All of its audio is known: end it as soon as it is sent.
    complete: bool = False
    epoch: int | None = None
    transcribing: bool = False
    voice: bool = False
    detected: bool = False
    text: bool = False
    opened: bool = False
    spoken: bool = False
    deadline: float | None = None

    @property
    def takes_audio(self) -> bool:
        """Whether what the user goes on to say can be a part of it."""
        return self.phase in (RunPhase.PLANNED, RunPhase.LISTENING) and not self.complete

    @property
    def idle(self) -> bool:
        """Whether it is no turn yet: it waits for Home Assistant's wake word, or is about to."""
        return self.start is Start.WAKE_WORD and not self.detected

    @property
    def answering(self) -> bool:
        """Whether its text has come."""
        return self.phase in (RunPhase.THINKING, RunPhase.SPEAKING)


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply that the turn machine waits for or plays: its feed, and whether any sound of it has come."""

    epoch: int
    feed: int
    audible: bool = False


@dataclass(frozen=True, slots=True)
class Announcement:
    """Speech that nobody asked for."""

    feed: int
    epoch: int | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The conversation between two events; times are seconds of the event loop's clock.

    `pieces` is what the user said in this turn, or into the reply that is live, undecided; `question` are the
    utterances that the live reply answers, `prefix` those of a question that this turn goes on with. `woken`: the
    wake word that the next run is to begin with; `pipeline`: the one that the last wake word asked for. `numbers`
    counts runs and announcements: each has a feed of its own for what it speaks. `may_run`: Home Assistant may be
    busy with a run. `null_until`: a null run is under way and is to be acknowledged. `owed_until`: a stream of a run
    that was cut may still begin. `retried`: this turn's run was begun anew already. `voiceless`: this Home Assistant
    understands without telling of voices.
    """

    connected: bool = False
    numbers: int = 0
    run: Run | None = None
    reply: Reply | None = None
    announcement: Announcement | None = None
    pieces: tuple[Piece, ...] = ()
    question: tuple[int, ...] = ()
    prefix: tuple[int, ...] = ()
    woken: Woken | None = None
    pipeline: str | None = None
    demux: Demux = field(default_factory=Demux)
    may_run: bool = False
    null_until: float | None = None
    unacknowledged: int = 0
    owed_until: float | None = None
    wake_after: float | None = None
    wake_failures: int = 0
    retried: bool = False
    voiceless: bool = False

    def piece(self, stream: int) -> Piece | None:
        """Find an utterance."""
        return next((piece for piece in self.pieces if piece.stream == stream), None)

    @property
    def live(self) -> bool:
        """Whether a reply or an announcement may go on, so that what is said into it is undecided."""
        return self.reply is not None or (self.announcement is not None and self.announcement.epoch is not None)

    @property
    def turn(self) -> tuple[int, ...]:
        """All utterances of the user's turn."""
        return (*self.prefix, *(piece.stream for piece in self.pieces))

    @property
    def untold(self) -> tuple[int, ...]:
        """Those of them that the turn machine has no text of."""
        return tuple(piece.stream for piece in self.pieces if not piece.final)

    @property
    def open_piece(self) -> Piece | None:
        """The utterance that is under way."""
        last = self.pieces[-1] if self.pieces else None
        return last if last is not None and not (last.ended or last.final) else None

    def with_piece(self, changed: Piece) -> State:
        """Replace the utterance of the same stream."""
        return replace(self, pieces=tuple(changed if p.stream == changed.stream else p for p in self.pieces))

    def without_piece(self, stream: int) -> State:
        """Drop an utterance."""
        return replace(self, pieces=tuple(piece for piece in self.pieces if piece.stream != stream))


def new_run(state: State, **fields: Any) -> tuple[State, Run]:
    """Make a run with the next number."""
    number = state.numbers + 1
    return replace(state, numbers=number), Run(number, **fields)


Outcome = tuple[State, "tuple[Effect, ...]"]


def then(effects: tuple[Effect, ...], outcome: Outcome) -> Outcome:
    """Put effects before those of an outcome."""
    return outcome[0], (*effects, *outcome[1])
