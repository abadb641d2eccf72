"""What the satellite knows of its timers, and how a finished one rings."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

from interject.satellite.conversation.timers import MOST_TIMERS, TimerNames, ring_audio

TEA = TimerStarted(id="tea", total_seconds=180, name="Earl Grey", start_minutes=3).event()
EGGS = TimerStarted(id="eggs", total_seconds=300).event()


@pytest.mark.parametrize("end", [TimerCancelled(id="tea").event(), TimerFinished(id="tea").event()])
def test_a_timer_that_is_over_is_told_by_its_name_and_then_forgotten(end: Event) -> None:
    names = TimerNames()
    assert [names.follow(event) for event in (TEA, EGGS, end, end)] == ["Earl Grey", None, "Earl Grey", None]


def test_an_update_keeps_the_name_or_gives_one() -> None:
    names = TimerNames()
    paused = TimerUpdated(id="tea", is_active=False, total_seconds=100).event()
    renamed = Event(type="timer-updated", data={**paused.data, "name": "Assam"})
    assert [names.follow(event) for event in (TEA, paused, renamed, paused)] == [
        "Earl Grey",
        "Earl Grey",
        "Assam",
        "Assam",
    ]


def test_a_timer_that_was_set_before_the_satellite_started_has_no_name() -> None:
    names = TimerNames()
    assert names.follow(TimerUpdated(id="old", is_active=True, total_seconds=60).event()) is None
    assert names.follow(TimerFinished(id="older").event()) is None


@pytest.mark.parametrize(
    ("event_type", "data", "told"),
    [
        ("timer-started", {}, "names no timer"),
        ("timer-started", {"id": 7, "total_seconds": 1}, "names no timer"),
        ("timer-started", {"id": "x", "total_seconds": 1, "name": ["tea"]}, "its name is"),
        ("timer-exploded", {"id": "tea"}, "nothing of a timer"),
    ],
)
def test_garbage_changes_nothing_and_is_told(
    event_type: str, data: dict[str, Any], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    names = TimerNames()
    names.follow(TEA)
    with caplog.at_level(logging.WARNING):
        assert names.follow(Event(type=event_type, data=data)) is None
    assert f"{event_type} event is ignored" in caplog.text
    assert told in caplog.text
    assert names.follow(TimerFinished(id="tea").event()) == "Earl Grey"


def test_timers_without_end_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    names = TimerNames()
    for number in range(MOST_TIMERS + 1):
        names.follow(TimerStarted(id=str(number), total_seconds=1, name=f"n{number}").event())
    assert "'0' is forgotten" in caplog.text
    assert names.follow(TimerFinished(id="0").event()) is None
    assert names.follow(TimerFinished(id=str(MOST_TIMERS)).event()) == f"n{MOST_TIMERS}"


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
