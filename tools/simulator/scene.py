"""What happens in the room, as values: who is where, says what and when, and what changes meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.simulator.effort import Effort
    from tools.simulator.impulse import Point, Shell
    from tools.simulator.loudspeaker import Loudspeaker
    from tools.simulator.microphone import Microphone
    from tools.simulator.noises import NoiseKind


class Kind(Enum):
    """What a scene tries, and what each sound in it is."""

    LONG = "interruption-long"
    SHORT = "interruption-short"
    WORD = "interruption-word"
    BACKCHANNEL = "backchannel"
    COUGH = "cough"
    SIDE_TALK = "side-talk"
    TV = "tv"
    DOUBLE_TALK = "double-talk"
    SILENCE = "silence"
    # What every scene begins with; no scene is about it.
    QUESTION = "question"


SCENE_KINDS = tuple(kind for kind in Kind if kind is not Kind.QUESTION)
# A satellite must give way to these, and to nothing else.
INTERRUPTIONS = frozenset((Kind.LONG, Kind.SHORT, Kind.WORD, Kind.DOUBLE_TALK))


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sound that somebody makes.

    clip: its name in the corpus. place: index into the scene's places. level_db: against the scene's normal voice, at
    the microphone.
    """

    kind: Kind
    clip: str
    at_frame: int
    place: int
    effort: Effort
    level_db: float


@dataclass(frozen=True, slots=True)
class Volume:
    """The loudspeaker's own knob is turned, which no software sees."""

    at_frame: int
    by_db: float


@dataclass(frozen=True, slots=True)
class DelayJump:
    """A buffer slips."""

    at_frame: int
    by_ms: float


@dataclass(frozen=True, slots=True)
class Move:
    """The device is moved: microphone and loudspeaker by the same way."""

    at_frame: int
    by_m: Point


Change = Volume | DelayJump | Move


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is, and what point they are turned to."""

    at: Point
    facing: Point


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything about a scene except the sound of its clips.

    reply: clips that the assistant says, one after the other, enough for all of the scene.
    reply_from_frame: when the answer to the question can be expected; utterances: the question, then what follows.
    voice_dbfs: active level of a normal voice at the microphone. echo_db: of the reply there, against that voice.
    capture: what the device does to its microphone. fade_in_s: how long each reply takes to its full level.
    hum_dbfs: of what is always played, None where silence is digital. delay_ms: from the frame of a played sample to
    that of its echo. snr_db: of the normal voice against the noise.
    """

    kind: Kind
    seed: int
    frames: int
    shell: Shell
    microphone: Point
    loudspeaker_at: Point
    places: tuple[Place, ...]
    noise_at: Point
    reply: tuple[str, ...]
    reply_from_frame: int
    loudspeaker: Loudspeaker
    capture: Microphone
    fade_in_s: float
    hum_dbfs: float | None
    delay_ms: float
    drift_ppm: float
    echo_db: float
    voice_dbfs: float
    noise: NoiseKind
    snr_db: float
    utterances: tuple[Utterance, ...]
    changes: tuple[Change, ...]

    @property
    def name(self) -> str:
        """What reports and folders call it."""
        return f"{self.kind.value}-{self.seed}"
