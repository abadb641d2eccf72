"""Whose voice it is, by what the canceller knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interject.satellite.aec.base import Convergence
from interject.satellite.aec.facts import EchoFacts, Refusal

SOMEBODY = EchoFacts(
    playing=True,
    evidence=0.3,
    evidence_now=0.3,
    coherence=0.1,
    misfit=0.05,
    convergence=Convergence.CONVERGED,
    located=True,
    residual_dbfs=-50.0,
    noise_dbfs=-70.0,
    echo_db=0.0,
    erle_db=20.0,
    delay_ms=90.0,
    drift_ppm=0.0,
)


@pytest.mark.parametrize("convergence", Convergence)
def test_what_the_echo_cannot_explain_is_somebody_whether_or_not_the_filter_has_learnt_enough(
    convergence: Convergence,
) -> None:
    assert replace(SOMEBODY, convergence=convergence).refusal() is None


def test_a_filter_that_is_wrong_hides_no_plain_voice() -> None:
    assert replace(SOMEBODY, misfit=0.4, convergence=Convergence.STARTING).refusal() is None


def test_a_faint_voice_is_somebody_if_it_has_nothing_of_what_is_played() -> None:
    assert replace(SOMEBODY, evidence=0.08, coherence=0.05).refusal() is None


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        (replace(SOMEBODY, evidence=0.02), Refusal.EVIDENCE),
        (replace(SOMEBODY, evidence_now=0.0), Refusal.EVIDENCE),
        (replace(SOMEBODY, coherence=0.4), Refusal.COHERENCE),
        # What a loudspeaker distorts is foreign to the filter and goes with what is played.
        (replace(SOMEBODY, evidence=0.08, coherence=0.2), Refusal.COHERENCE),
        (replace(SOMEBODY, misfit=-0.3, coherence=0.15), Refusal.MISFIT),
        (replace(SOMEBODY, misfit=-0.3, evidence=0.1), Refusal.MISFIT),
        (replace(SOMEBODY, convergence=Convergence.STARTING, evidence=0.1), Refusal.STARTING),
        (replace(SOMEBODY, convergence=Convergence.RECOVERING, coherence=0.4), Refusal.RECOVERING),
        (replace(SOMEBODY, convergence=Convergence.RECOVERING, located=False), Refusal.RECOVERING),
    ],
)
def test_what_may_be_our_own_voice_is_refused_with_the_reason(facts: EchoFacts, refusal: Refusal) -> None:
    assert facts.refusal() is refusal


def test_in_silence_everything_is_somebody() -> None:
    assert replace(SOMEBODY, playing=False, evidence=0.0, convergence=Convergence.STARTING).refusal() is None
