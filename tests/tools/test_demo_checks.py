"""How a demo is judged: a failure is told by its reason alone, one's own recording by what came of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tools.harness.checks import Evidence, expected_by, judge
from tools.harness.scenarios import SCENARIOS, Expected, named

UNREACHABLE = "llm server: the language model at http://127.0.0.1:9/v1 cannot be reached; start it"


def evidence_of(*events: tuple[str, str, dict[str, Any]]) -> Evidence:
    timeline = [
        {"t": float(at), "source": source, "type": kind, **more} for at, (source, kind, more) in enumerate(events)
    ]
    return Evidence(timeline, [], np.zeros(160, np.int16), np.zeros(160, np.int16), 16_000)


def said(*clips: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [("room", "user-speaks", {"clip": clip}) for clip in clips]


def test_where_something_failed_its_reason_is_all_that_is_told() -> None:
    failed = ("satellite", "failed", {"error": f"tcp://127.0.0.1:1: {UNREACHABLE}", "brief": UNREACHABLE})

    checks = judge(
        SCENARIOS["barge-in"], evidence_of(*said("question"), failed, failed, ("satellite", "error-cue", {}))
    )

    assert [(check.what, check.passed) for check in checks] == [(UNREACHABLE, False)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([*said("question", "stop"), ("satellite", "interrupt", {"reason": "stop-word"})], Expected.SILENCED),
        ([*said("question", "more"), ("satellite", "interrupt", {"reason": "speech"})], Expected.BARGED_IN),
        ([*said("question", "more"), ("satellite", "interrupt", {"reason": "early"})], Expected.MERGED),
        ([*said("question", "uh-huh"), ("satellite", "pause", {}), ("satellite", "resume", {})], Expected.PLAYED_ON),
        (said("question"), Expected.ANSWERED),
    ],
)
def test_what_came_of_a_recording_is_what_it_is_judged_by(
    events: list[tuple[str, str, dict[str, Any]]], expected: Expected
) -> None:
    assert expected_by(evidence_of(*events)) is expected


def test_each_outcome_has_a_scenario_that_shows_it() -> None:
    assert {expected: SCENARIOS[named(expected)].expected for expected in Expected} == {one: one for one in Expected}
