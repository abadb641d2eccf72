"""What is played in the bench: scenes by kind, echo level and stress, each of them a job for any process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tools.bench.room.judged import Group
from tools.simulator.corpus import Corpus
from tools.simulator.effort import Effort
from tools.simulator.lines import Line
from tools.simulator.noises import NoiseKind
from tools.simulator.sampling import ECHO_LEVELS_DB, ChangeKind, Wishes, make_scene
from tools.simulator.scene import SCENE_KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.simulator.equipment import Equipment
    from tools.simulator.scene import Scene

# Long enough for three or four sounds into the reply.
SCENE_S = 40.0
# Every so many scenes one is a stress scene.
_STRESS_EVERY = 4
# As two crystals of different devices may well drift apart.
_DRIFT_PPM = 50.0
# What is asked of the satellite under stress: the interruptions, and not to interrupt itself.
_STRESS_KINDS = (Kind.LONG, Kind.SHORT, Kind.SILENCE, Kind.WORD)
_STRESS: tuple[tuple[Group, Wishes], ...] = (
    (Group.WHISPER, Wishes(effort=Effort.WHISPER)),
    (Group.VOLUME, Wishes(effort=Effort.NORMAL, change=ChangeKind.VOLUME)),
    (Group.MOVE, Wishes(effort=Effort.NORMAL, change=ChangeKind.MOVE)),
    (Group.SHOUT, Wishes(effort=Effort.SHOUT)),
    (Group.DELAY, Wishes(effort=Effort.NORMAL, change=ChangeKind.DELAY)),
    (Group.DRIFT, Wishes(effort=Effort.NORMAL, drift_ppm=_DRIFT_PPM)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A scene of the bench, with as much of the corpus as it needs."""

    group: Group
    scene: Scene
    corpus: Corpus


def program(
    count: int, seed: int, corpus: Corpus, kinds: Sequence[Kind] = SCENE_KINDS, equipment: Equipment | None = None
) -> Iterator[Part]:
    """Give the scenes of a bench: with the same corpus and seed always the same, a longer one begins like a shorter.

    With fewer kinds of scene only those of the goal grid are given.
    """
    goals, stresses = 0, 0
    for number in range(count):
        if number % _STRESS_EVERY == _STRESS_EVERY - 1 and len(kinds) == len(SCENE_KINDS):
            group, wishes = _STRESS[stresses % len(_STRESS)]
            # Whole rounds of the groups share a kind, so that none of the three numbers divides another.
            kind = _STRESS_KINDS[stresses // len(_STRESS) % len(_STRESS_KINDS)]
            echo_db = ECHO_LEVELS_DB[stresses % len(ECHO_LEVELS_DB)]
            stresses += 1
        else:
            group, wishes = Group.GOAL, Wishes(effort=Effort.NORMAL)
            # The levels move on by one in each round of the kinds: every kind meets every level.
            rounds, turn = divmod(goals, len(kinds))
            kind, echo_db = kinds[turn], ECHO_LEVELS_DB[(turn + rounds) % len(ECHO_LEVELS_DB)]
            goals += 1
        scene = make_scene(
            kind, seed + number, corpus, replace(wishes, echo_db=echo_db, equipment=equipment, seconds=SCENE_S)
        )
        yield Part(group, scene, _needed(scene, corpus))


def _needed(scene: Scene, corpus: Corpus) -> Corpus:
    names = {*scene.reply, *(utterance.clip for utterance in scene.utterances)}
    television = scene.noise is NoiseKind.TV
    return Corpus(
        tuple(clip for clip in corpus.clips if clip.name in names or (television and clip.line is Line.BROADCAST))
    )
