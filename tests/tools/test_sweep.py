"""The sweep counts what a rule makes of a take: who is heard and when, and what nobody said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interject.satellite.aec.base import Convergence
from tools.bench.sweep.ears import AS_SHIPPED
from tools.bench.sweep.engines import converged_after
from tools.bench.sweep.listening import CONVERGENCES, Listened, Sound
from tools.bench.sweep.resets import LONG_TREATMENTS, long_takes
from tools.bench.sweep.rules import Guard, Rule, spoken
from tools.bench.sweep.score import AFTERWARDS_S, NEVER, score
from tools.bench.sweep.takes import Take, grid
from tools.simulator.casting import ECHO_LEVELS_DB
from tools.simulator.effort import Effort
from tools.simulator.levels import RATE_HZ
from tools.simulator.scene import INTERRUPTIONS, SCENE_KINDS, Kind

WINDOW = 512
WINDOWS = 400
# Whatever the defaults become.
RULE = Rule().with_turn(speaking_trigger_windows=2, confirm_speech_ms=250.0, confirm_within_ms=350.0)
CONVERGED = float(CONVERGENCES.index(Convergence.CONVERGED))


def take_with(
    voiced: range, *, own: range = range(0), sounds: tuple[Sound, ...] = (), noise: str = "quiet"
) -> Listened:
    """Give a take in which some windows are voiced, and the guard takes some for our own voice."""
    evidence = np.where([at in own for at in range(WINDOWS)], 0.0, 0.5)
    tracks = {
        "end": WINDOW * np.arange(1, WINDOWS + 1),
        f"probability-{AS_SHIPPED.name}": np.where([at in voiced for at in range(WINDOWS)], 0.9, 0.05),
        "evidence": evidence,
        "evidence_now": evidence,
        "explains": evidence == 0,
        "coherence": np.zeros(WINDOWS),
        "misfit": np.zeros(WINDOWS),
        "convergence": np.full(WINDOWS, CONVERGED),
        "playing": np.ones(WINDOWS),
    }
    return Listened(
        take=Take(Kind.SHORT, 1, 10.0),
        noise=noise,
        sounds=sounds,
        reply_from=0,
        frames=WINDOWS * WINDOW,
        change_at=None,
        erle_db=0.0,
        user_db=0.0,
        tracks={name: values.astype(np.float32) for name, values in tracks.items()},
    )


def sound(first: int, last: int, kind: Kind = Kind.SHORT) -> Sound:
    return Sound(kind, Effort.NORMAL, "next one", first * WINDOW, last * WINDOW)


def test_an_utterance_counts_once_and_knows_when() -> None:
    (said,) = spoken(take_with(range(100, 130)), RULE)

    assert said.trigger == 102 * WINDOW
    assert said.confirm == 108 * WINDOW
    assert said.voiced == 30


@pytest.mark.parametrize(
    ("rule", "voiced"),
    [
        (Rule(guard=Guard.NONE), 30),
        (RULE, 10),
        (Rule(guard=Guard.SHIPPED), 10),
        (Rule(hold_ms=64.0), 12),
        (Rule(guard=Guard.AT_TRIGGER), 30),
    ],
)
def test_the_guard_is_asked_where_the_rule_says(rule: Rule, voiced: int) -> None:
    (said,) = spoken(take_with(range(100, 130), own=range(110, 400)), rule)

    assert said.voiced == voiced


@pytest.mark.parametrize(
    ("known", "voiced"),
    [
        ({"misfit": 0.5, "evidence": 0.1}, 10),
        ({"misfit": -0.5, "evidence": 0.1}, 10),
        ({"misfit": 0.05, "evidence": 0.1}, 30),
        ({"misfit": 0.5}, 30),
        ({"coherence": 0.9}, 10),
        ({"evidence_now": 0.0}, 10),
        ({"convergence": 0.0}, 30),
    ],
)
def test_the_guard_is_the_products(known: dict[str, float], voiced: int) -> None:
    take = take_with(range(100, 130))
    tracks = dict(take.tracks)
    for name, value in known.items():
        tracks[name] = tracks[name].astype(float)
        tracks[name][110:] = value

    (said,) = spoken(replace(take, tracks=tracks), RULE)

    assert said.voiced == voiced


def test_long_replies_are_long_and_have_someone_to_hear() -> None:
    takes = long_takes(6, 0)

    assert all(take.seconds >= 80 for take in takes)
    assert {take.kind for take in takes} <= INTERRUPTIONS
    assert len({treatment.name for treatment in LONG_TREATMENTS}) == len(LONG_TREATMENTS)


def test_who_is_heard_is_heard_from_the_onset_on() -> None:
    scored = score([take_with(range(100, 130), sounds=(sound(99, 131),))], RULE)

    (outcome,) = scored.interruptions()
    assert outcome.trigger_s == pytest.approx(3 * WINDOW / RATE_HZ)
    assert outcome.confirm_s == pytest.approx(9 * WINDOW / RATE_HZ)
    assert not scored.alarms


def test_what_nobody_said_is_a_false_alarm_and_hears_nobody() -> None:
    late = 99 + round((AFTERWARDS_S + 1.0) * RATE_HZ / WINDOW)
    scored = score([take_with(range(late, late + 20), sounds=(sound(90, 99),))], RULE)

    (outcome,) = scored.interruptions()
    assert outcome.trigger_s == NEVER
    assert scored.triggers_per_hour() == pytest.approx(1 / scored.hours)
    assert scored.pauses_per_hour() == pytest.approx(1 / scored.hours)


def test_a_television_in_the_room_is_somebody() -> None:
    scored = score([take_with(range(100, 130), noise="tv")], RULE)

    assert scored.triggers_per_hour() == 0
    assert len(scored.babbling_alarms) == 1


def test_a_filter_that_is_doubted_again_has_not_recovered() -> None:
    take = take_with(range(0))
    doubted = take.tracks["convergence"].copy()
    doubted[:50] = doubted[80:100] = 0
    recovering = replace(take, tracks=take.tracks | {"convergence": doubted})

    assert converged_after(recovering, 0) == pytest.approx(101 * WINDOW / RATE_HZ)
    assert converged_after(take, 0) == 0


def test_a_grid_has_every_kind_at_every_level() -> None:
    takes = grid(len(SCENE_KINDS) * len(ECHO_LEVELS_DB), 0)

    assert len({(take.kind, take.echo_db) for take in takes}) == len(takes)
    assert len({take.name for take in takes}) == len(takes)
