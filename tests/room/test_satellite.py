"""The whole satellite in the acoustic room: it lets itself speak, gives way to the user, and to nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.bench.room.failures import yielded
from tools.bench.room.judge import judge
from tools.bench.room.judged import AlarmKind, Group
from tools.bench.room.performance import Options, perform
from tools.simulator.effort import Effort
from tools.simulator.equipment import Equipment
from tools.simulator.noises import NoiseKind
from tools.simulator.rendering import render_scene
from tools.simulator.sampling import Wishes, make_scene
from tools.simulator.scene import Kind

if TYPE_CHECKING:
    from tools.bench.room.judged import Judged
    from tools.simulator.corpus import Corpus


def lived(corpus: Corpus, kind: Kind, seed: int, echo_db: float, seconds: float) -> Judged:
    wishes = Wishes(
        echo_db=echo_db,
        seconds=seconds,
        noise=NoiseKind.QUIET,
        effort=Effort.NORMAL,
        equipment=Equipment.LINEAR,
    )
    judged = judge(
        perform(render_scene(make_scene(kind, seed, corpus, wishes), corpus), Options()), Options(), Group.GOAL
    )
    assert judged.answered
    return judged


@pytest.mark.parametrize("echo_db", [10.0, 20.0])
def test_it_does_not_interrupt_itself(corpus: Corpus, echo_db: float) -> None:
    judged = lived(corpus, Kind.SILENCE, 1, echo_db, 16.0)
    assert judged.playback_s > 10
    assert not [alarm for alarm in judged.false_alarms if alarm.kind is not AlarmKind.DUCK]


@pytest.mark.parametrize(("kind", "echo_db"), [(Kind.LONG, 10.0), (Kind.SHORT, 20.0), (Kind.WORD, 10.0)])
def test_it_gives_way_to_an_interruption(corpus: Corpus, kind: Kind, echo_db: float) -> None:
    judged = lived(corpus, kind, 1, echo_db, 15.0)
    spoken = [outcome for outcome in judged.outcomes if outcome.speaking]
    assert spoken
    assert all(yielded(outcome) for outcome in spoken)
    assert not judged.false_alarms


def test_it_goes_on_through_a_backchannel(corpus: Corpus) -> None:
    judged = lived(corpus, Kind.BACKCHANNEL, 1, 10.0, 13.0)
    spoken = [outcome for outcome in judged.outcomes if outcome.speaking]
    assert spoken
    assert [outcome.latencies.commit_s for outcome in spoken] == [None] * len(spoken)
