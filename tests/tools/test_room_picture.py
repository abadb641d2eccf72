"""The picture of the room's bench: it is drawn, shows the worst, and what other limits would have come to is right."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from interject.satellite.aec.base import Convergence, EchoReport
from interject.satellite.frontend.frontend import Window
from interject.satellite.turn.settings import TurnSettings
from tools.bench.room.episodes import Stretch
from tools.bench.room.judged import AlarmKind, FalseAlarm, Group, Judged, Latencies, Moment, Outcome, WindowSeen
from tools.bench.room.performance import Judgment
from tools.bench.room.picture import draw
from tools.bench.room.roc import Limits, Point, Rule, Tally, frontier, roc, summed
from tools.bench.room.timeline_picture import worst_cases
from tools.simulator.effort import Effort
from tools.simulator.levels import RATE_HZ
from tools.simulator.noises import NoiseKind
from tools.simulator.rendering import Label
from tools.simulator.scene import Kind

if TYPE_CHECKING:
    from pathlib import Path


WINDOW = 512
TURN = TurnSettings()
SHIPPED = Rule(TURN.speaking_threshold)


def test_the_picture_has_its_size(tmp_path: Path) -> None:
    kalman = [scene(echo_db=level, moments=(moment("missed: no"),)) for level in (0.0, 20.0)]

    draw([*kalman, scene(engine="aec3"), scene(group=Group.WHISPER)], tmp_path / "bench.png")

    assert size_of(tmp_path / "bench.png") == (1600, 2000)


def test_a_bench_in_which_nothing_happened_has_a_picture(tmp_path: Path) -> None:
    draw([replace(scene(), outcomes=(), false_alarms=(), roc=(), playback_s=0.0)], tmp_path / "bench.png")

    assert size_of(tmp_path / "bench.png") == (1600, 2000)


def test_our_own_faults_come_before_users_in_vain_and_these_before_wrong_cuts() -> None:
    whys = (
        ("cut by tv: news", 2.2),
        ("slow: tell me", 0.4),
        ("missed: no", 2.5),
        ("false duck", 1.0),
        ("slow: go", 0.6),
    )
    scenes = [scene(moments=(moment(why, severity),)) for why, severity in whys]

    shown = [case.moment.why for case in worst_cases(scenes, 6)]

    assert shown == ["false duck", "missed: no", "slow: go", "slow: tell me", "cut by tv: news"]


def test_many_false_alarms_leave_room_for_the_rest() -> None:
    alarms = tuple(moment("false duck", 1.0 + number / 10) for number in range(9))
    others = (moment("missed: no", 2.5), moment("cut by tv: news", 2.2))

    shown = [case.moment.why for case in worst_cases([scene(moments=(*others, *alarms))], 6)]

    assert shown == ["false duck"] * 4 + ["missed: no", "cut by tv: news"]


def test_a_television_that_is_taken_for_somebody_comes_last() -> None:
    by_television = replace(scene(moments=(moment("false commit", 3.0),)), noise=NoiseKind.TV)
    by_ourselves = scene(moments=(moment("false duck", 1.0), moment("cut by tv: news", 2.2)))

    shown = [case.moment.why for case in worst_cases([by_television, by_ourselves], 6)]

    assert shown == ["false duck", "cut by tv: news", "false commit"]


def test_the_severest_of_many_is_shown() -> None:
    alarms = tuple(moment("false duck", severity) for severity in (1.0, 3.0, 2.0))

    assert [case.moment.severity for case in worst_cases([scene(moments=alarms)], 2)] == [3.0, 2.0]


def test_two_windows_in_a_row_duck_and_a_quarter_of_a_second_pauses() -> None:
    heard = windows([0.0] * 10 + [0.9] * 3 + [0.0] * 20 + [0.9] * 10 + [0.0] * 10)

    found = tallies(heard, labels=())[SHIPPED]

    assert (found.false_ducks, found.false_pauses) == (2, 1)


def test_what_ends_the_reply_is_a_false_alarm_of_it() -> None:
    heard = windows([0.0] * 2 + [0.9] * 8)
    until_the_pause = [Stretch(0.0, 10 * WINDOW / RATE_HZ)]

    (found, *_) = roc(heard, (), until_the_pause, TURN)

    assert found.false_pauses == 1


def test_a_higher_threshold_trades_false_alarms_for_missed_interruptions() -> None:
    # Our own voice is heard at 0.6 in the first second, the user at 0.75 in the second one.
    heard = windows([0.0] * 5 + [0.6] * 10 + [0.0] * 17 + [0.75] * 20)
    user = label(Kind.SHORT, 32 * WINDOW, 52 * WINDOW)

    by_rule = tallies(heard, labels=(user,))

    assert [by_rule[Rule(at)].false_pauses for at in (0.5, 0.7, 0.8)] == [1, 0, 0]
    assert [by_rule[Rule(at)].pauses for at in (0.5, 0.7, 0.8)] == [1, 1, 0]
    assert by_rule[Rule(0.7)].interruptions == 1


def test_the_guards_limits_decide_where_the_echo_is_known() -> None:
    strict, gentle = Rule(0.5, Limits(0.2, 0.3)), Rule(0.5, Limits(0.0, 1.0))

    known = tallies(windows([0.9] * 10, evidence=0.1, coherence=0.1), labels=())
    unknown = tallies(
        windows([0.9] * 10, evidence=0.1, coherence=0.1, convergence=Convergence.STARTING, is_echo=True), labels=()
    )

    assert (known[strict].false_ducks, known[gentle].false_ducks) == (0, 1)
    assert (unknown[strict].false_ducks, unknown[gentle].false_ducks) == (0, 0)


@pytest.mark.parametrize("kind", [Kind.BACKCHANNEL, Kind.QUESTION])
def test_what_must_not_interrupt_is_neither_missed_nor_a_false_alarm(kind: Kind) -> None:
    found = tallies(windows([0.0] * 5 + [0.9] * 10), labels=(label(kind, 5 * WINDOW, 12 * WINDOW),))[SHIPPED]

    assert found == Tally(SHIPPED)


def test_nobody_is_interrupted_while_nothing_is_said() -> None:
    user = label(Kind.WORD, 2 * WINDOW, 10 * WINDOW)

    (found, *_) = roc(windows([0.9] * 20), (user,), (), TURN)

    assert found == Tally(SHIPPED)


def test_scenes_add_up_to_rates_an_hour_and_shares() -> None:
    one = (Tally(SHIPPED, 1, 0, 3, 2, 4),)
    other = (Tally(SHIPPED, 2, 1, 4, 4, 4),)

    (both,) = summed([one, other])

    assert (both.ducking(0.5), both.pausing(0.5)) == (Point(6.0, 12.5), Point(2.0, 25.0))


def test_the_frontier_has_only_points_that_no_other_is_as_good_as() -> None:
    best, cheap = Point(0.0, 9.0), Point(5.0, 3.0)

    assert frontier([Point(5.0, 4.0), cheap, Point(1.0, 9.0), best, Point(8.0, 3.0)]) == [best, cheap]


def windows(
    probabilities: list[float],
    *,
    evidence: float | None = None,
    coherence: float | None = None,
    convergence: Convergence = Convergence.CONVERGED,
    is_echo: bool = False,
) -> list[Judgment]:
    report = EchoReport(playing=True, convergence=convergence)
    return [
        Judgment(Window(probability, is_echo, (number + 1) * WINDOW, -40.0), report, evidence, coherence)
        for number, probability in enumerate(probabilities)
    ]


def tallies(heard: list[Judgment], labels: tuple[Label, ...]) -> dict[Rule, Tally]:
    return {tally.rule: tally for tally in roc(heard, labels, [Stretch(0.0, 60.0)], TURN)}


def label(kind: Kind, start_frame: int, end_frame: int) -> Label:
    return Label(kind, "wait", "clip", "voice", Effort.NORMAL, 0, start_frame, end_frame, -32.0)


def moment(why: str, severity: float = 1.0) -> Moment:
    return Moment(
        why=why,
        severity=severity,
        from_s=4.0,
        windows=(
            WindowSeen(4.032, 0.9, is_echo=True, level_dbfs=-40.0, evidence=0.1, coherence=0.2, convergence="starting"),
        ),
        loudspeaker_dbfs=(-20.0,) * 100,
        echo_dbfs=(-30.0,) * 100,
        people_dbfs=(-120.0,) * 100,
        marks=(("duck", 4.2), ("pause", 4.4), ("interrupt", 4.6), ("duplex-mode", 4.8)),
        labels=((Kind.WORD.value, 3.9, 4.5),),
    )


def scene(
    engine: str = "kalman", echo_db: float = 0.0, group: Group = Group.GOAL, moments: tuple[Moment, ...] = ()
) -> Judged:
    outcomes = tuple(
        Outcome(
            kind, "wait", "clip", "voice", Effort.NORMAL, 5.0, 5.5, -32.0, True, Latencies(0.1, 0.3, 0.32, 0.6), 0.0
        )
        for kind in (Kind.LONG, Kind.WORD, Kind.COUGH)
    )
    return Judged(
        name="interruption-word-1",
        engine=engine,
        group=group,
        kind=Kind.WORD,
        seed=1,
        echo_db=echo_db,
        noise=NoiseKind.QUIET,
        seconds=30.0,
        answered=True,
        playback_s=20.0,
        air_s=0.05,
        outcomes=outcomes,
        false_alarms=(FalseAlarm(AlarmKind.PAUSE, 4.0, 0.3),),
        recoveries=(),
        roc=(Tally(Rule(0.5), 1, 1, 1, 1, 2), Tally(Rule(0.7), 0, 0, 1, 0, 2)),
        erle_db=20.0,
        near_end_db=-1.0,
        cpu_ms=(20.0,),
        moments=moments,
    )


def size_of(png: Path) -> tuple[int, int]:
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    return width, height
