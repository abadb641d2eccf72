"""What the satellite knows of its timers, and how a finished one rings."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

from interject.satellite.conversation.timers import MOST_TIMERS, Timers, follow, ring_audio

TEA = TimerStarted(id="tea", total_seconds=180, name="tea", start_minutes=3).event()
EGGS = TimerStarted(id="eggs", total_seconds=300).event()


def after(*events: tuple[float, Event]) -> Timers:
    timers = Timers()
    for now_s, event in events:
        timers = follow(timers, event, now_s)
    return timers


def test_a_timer_runs_down_and_never_below_nothing() -> None:
    (tea,) = after((10.0, TEA)).known

    assert (tea.id, tea.name, tea.active) == ("tea", "tea", True)
    assert [tea.remaining_s(now_s) for now_s in (10.0, 70.0, 190.0, 500.0)] == [180, 120, 0, 0]


def test_a_paused_timer_stands_still_and_goes_on_from_there() -> None:
    paused = TimerUpdated(id="tea", is_active=False, total_seconds=100).event()
    resumed = TimerUpdated(id="tea", is_active=True, total_seconds=100).event()

    (standing,) = after((0.0, TEA), (80.0, paused)).known
    assert (standing.name, standing.remaining_s(1000.0)) == ("tea", 100)

    (running,) = after((0.0, TEA), (80.0, paused), (1000.0, resumed)).known
    assert running.remaining_s(1040.0) == 60


@pytest.mark.parametrize("end", [TimerCancelled(id="tea").event(), TimerFinished(id="tea").event()])
def test_a_timer_that_is_over_is_forgotten_and_the_others_are_not(end: Event) -> None:
    assert [timer.id for timer in after((0.0, TEA), (1.0, EGGS), (2.0, end)).known] == ["eggs"]


def test_a_timer_that_was_set_before_the_satellite_started_is_learnt_from_its_update() -> None:
    (timer,) = after((5.0, TimerUpdated(id="old", is_active=True, total_seconds=60).event())).known
    assert (timer.name, timer.remaining_s(15.0)) == (None, 50)


@pytest.mark.parametrize(
    ("event_type", "data", "told"),
    [
        ("timer-started", {}, "names no timer"),
        ("timer-started", {"id": 7, "total_seconds": 1}, "names no timer"),
        ("timer-started", {"id": "x"}, "None is no number"),
        ("timer-started", {"id": "x", "total_seconds": "soon"}, "'soon' is no number"),
        ("timer-started", {"id": "x", "total_seconds": True}, "True is no number"),
        ("timer-started", {"id": "x", "total_seconds": float("nan")}, "nan is no number"),
        ("timer-started", {"id": "x", "total_seconds": -1}, "-1 is no number"),
        ("timer-started", {"id": "x", "total_seconds": 1, "name": ["tea"]}, "its name is"),
        ("timer-updated", {"id": "tea", "total_seconds": 1, "is_active": "yes"}, "is_active is 'yes'"),
        ("timer-updated", {"id": "tea", "is_active": True}, "None is no number"),
        ("timer-cancelled", {"id": "unknown"}, "no timer 'unknown'"),
        ("timer-exploded", {"id": "tea"}, "nothing of a timer"),
    ],
)
def test_garbage_changes_nothing_and_is_told(
    event_type: str, data: dict[str, Any], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    timers = after((0.0, TEA))
    with caplog.at_level(logging.WARNING):
        assert follow(timers, Event(type=event_type, data=data), 1.0) == timers
    assert f"{event_type} event is ignored" in caplog.text
    assert told in caplog.text


def test_timers_without_end_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    timers = Timers()
    for number in range(MOST_TIMERS + 2):
        timers = follow(timers, TimerStarted(id=str(number), total_seconds=1).event(), 0.0)
    assert [timer.id for timer in timers.known] == [str(number) for number in range(2, MOST_TIMERS + 2)]
    assert "'0' is forgotten" in caplog.text


def test_a_ring_repeats_with_silence_between_and_none_at_the_end() -> None:
    sound = np.arange(1, 2_501, dtype=np.int16)
    pieces = list(ring_audio(sound, 1_000, repeats=3, delay_s=1.5))

    silence = np.zeros(1_500, np.int16)
    assert np.array_equal(np.concatenate(pieces), np.concatenate([sound, silence, sound, silence, sound]))
    assert max(len(piece) for piece in pieces) == 1_000


def test_a_ring_without_a_pause_has_no_empty_piece() -> None:
    sound = np.ones(500, np.int16)
    assert [len(piece) for piece in ring_audio(sound, 1_000, repeats=2, delay_s=0)] == [500, 500]


def test_the_longest_ring_that_can_be_set_is_made_as_it_is_played() -> None:
    ring = ring_audio(np.ones(1_000, np.int16), 48_000, repeats=1_000, delay_s=60)
    assert len(next(ring)) == 1_000
