"""What a performance comes to, as values: enough for the figures, the JSON and the picture.

All times are seconds of the device's clock from the scene's first frame; latencies are seconds from a label's onset.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.bench.room.roc import Tally
    from tools.simulator.effort import Effort
    from tools.simulator.noises import NoiseKind
    from tools.simulator.scene import Kind

# What the satellite does so soon after a sound it does because of it: the room rings, its words are still to come.
AFTERWARDS_S = 0.7
# An interruption that took longer to take the floor did not.
YIELD_S = 2.0
# A shorter hole is hardly noticed.
HOLE_S = 0.2


class Group(Enum):
    """What part of the bench a scene belongs to; the goals are for the first."""

    GOAL = "goal grid"
    WHISPER = "whispers"
    SHOUT = "shouts"
    VOLUME = "volume change"
    MOVE = "moved device"
    DELAY = "delay jump"
    DRIFT = "drift of 50 ppm"


class AlarmKind(Enum):
    """The most that a false alarm did."""

    DUCK = "duck"
    PAUSE = "pause"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True)
class Latencies:
    """From a label's onset in the microphone to what is handed to the loudspeaker; None where it did not happen.

    duck: 10 dB down, or paused. silence: after the last sample above one step before the pause that lasted.
    """

    duck_s: float | None = None
    pause_s: float | None = None
    silence_s: float | None = None
    commit_s: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sound in the room led to.

    speaking: whether the satellite was saying something when it began; where it was not, nothing can be asked of it.
    hole_s: the silence that it caused and that ended in going on; 0 for none.
    """

    kind: Kind
    text: str
    clip: str
    voice: str
    effort: Effort
    start_s: float
    end_s: float
    level_dbfs: float
    speaking: bool
    latencies: Latencies
    hole_s: float


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """A reaction to nobody: outside of all labels and what follows them closely."""

    kind: AlarmKind
    at_s: float
    hole_s: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """How much playback passed between a change of the echo's path and the control's being converged for good.

    None where the scene ended before.
    """

    changed_s: float
    playback_s: float | None


@dataclass(frozen=True, slots=True)
class WindowSeen:
    """A window of the VAD in a moment worth looking at; evidence and coherence: of the Kalman guard, else None."""

    end_s: float
    probability: float
    is_echo: bool
    level_dbfs: float
    evidence: float | None
    coherence: float | None
    convergence: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch around something that went wrong or took long.

    loudspeaker_dbfs, echo_dbfs, people_dbfs: RMS of each 10 ms from from_s on, -120 for silence. marks: what happened
    when, such as ("pause", 12.34); labels: kind, start_s and end_s.
    """

    why: str
    severity: float
    from_s: float
    windows: tuple[WindowSeen, ...]
    loudspeaker_dbfs: tuple[float, ...]
    echo_dbfs: tuple[float, ...]
    people_dbfs: tuple[float, ...]
    marks: tuple[tuple[str, float], ...]
    labels: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A scene with one engine, judged.

    playback_s: how long the loudspeaker had something to say. air_s: what is added to a latency until it is heard in
    the room. erle_db: what is kept against what the microphone heard while only we spoke (noise included), None where
    that never was. near_end_db: gain of the people's signal in what is kept within labels. cpu_ms: of the front end
    with its VAD, for each second of audio. answered: whether the user's question was heard, and its end
    noticed in time. modes: what could interrupt from when on, besides speech from the beginning.
    """

    name: str
    engine: str
    group: Group
    kind: Kind
    seed: int
    echo_db: float
    noise: NoiseKind
    seconds: float
    answered: bool
    playback_s: float
    air_s: float
    outcomes: tuple[Outcome, ...]
    false_alarms: tuple[FalseAlarm, ...]
    recoveries: tuple[Recovery, ...]
    roc: tuple[Tally, ...]
    erle_db: float | None
    near_end_db: float | None
    cpu_ms: tuple[float, ...]
    moments: tuple[Moment, ...]
    modes: tuple[tuple[str, float], ...] = ()
