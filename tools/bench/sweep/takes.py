"""Which scenes a sweep listens to, with which canceller."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tools.simulator.casting import ECHO_LEVELS_DB, SCENE_S, ChangeKind, Wishes
from tools.simulator.effort import Effort
from tools.simulator.scene import SCENE_KINDS, Kind


class Engine(Enum):
    """Who cancels the echo."""

    KALMAN = "kalman"
    AEC3 = "aec3"
    NONE = "none"
    # Nothing to cancel, as the loudspeaker is muted in the room: what the detector can do at best.
    CEILING = "ceiling"


class Start(Enum):
    """When the reply begins."""

    # When the question has been answered.
    USUAL = "usual"
    # Up to three seconds before the first sound after the question, so that it meets a canceller that knows nothing.
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Take:
    """One scene to listen to; the reply plays from its start to the end of the scene, whatever is said into it."""

    kind: Kind
    seed: int
    echo_db: float
    effort: Effort | None = Effort.NORMAL
    change: ChangeKind = ChangeKind.NONE
    drift_ppm: float = 0.0
    seconds: float = SCENE_S
    start: Start = Start.USUAL

    @property
    def wishes(self) -> Wishes:
        """What is asked of the room."""
        return Wishes(
            echo_db=self.echo_db,
            seconds=self.seconds,
            effort=self.effort,
            change=self.change,
            drift_ppm=self.drift_ppm,
        )

    @property
    def name(self) -> str:
        """Tells it from every other take, fit for a file name."""
        effort = "any" if self.effort is None else self.effort.value
        return (
            f"{self.kind.value}-{self.seed}-{self.echo_db:g}dB-{effort}-{self.change.value}-{self.drift_ppm:g}ppm"
            f"-{self.seconds:g}s-{self.start.value}"
        )


def grid(
    count: int, first_seed: int, kinds: tuple[Kind, ...] = SCENE_KINDS, like: Take | None = None
) -> tuple[Take, ...]:
    """Give takes with the kinds in turn and for each of them the echo levels in turn; the rest as in `like`."""
    model = like or Take(Kind.SILENCE, 0, 0.0)
    return tuple(
        Take(
            kind=kinds[number % len(kinds)],
            seed=first_seed + number,
            echo_db=ECHO_LEVELS_DB[number // len(kinds) % len(ECHO_LEVELS_DB)],
            effort=model.effort,
            change=model.change,
            drift_ppm=model.drift_ppm,
            seconds=model.seconds,
            start=model.start,
        )
        for number in range(count)
    )
