"""The bench of the cancellers counts a trigger when the guard agrees, and each once."""

from __future__ import annotations

import pytest

from satellite.hearing.cancelling.facts import EchoFacts
from satellite.hearing.echo import Convergence
from script.support.bench_canceller import Heard, Rule, triggers

GUARDED = Rule("guarded", 0.5, 2, 0.1, 0.5)


def facts(
    *, evidence: float, coherence: float = 0.1, playing: bool = True, convergence: Convergence = Convergence.CONVERGED
) -> EchoFacts:
    return EchoFacts(playing, evidence, coherence, convergence, -50.0, -60.0, None, None, None, 0.0)


def heard(*windows: tuple[float, EchoFacts | None]) -> list[Heard]:
    return [Heard(at * 0.032, probability, known) for at, (probability, known) in enumerate(windows)]


def test_a_stretch_of_speech_counts_once() -> None:
    own = heard(*[(0.9, None)] * 5, (0.1, None), *[(0.9, None)] * 5)

    assert triggers(own, GUARDED) == pytest.approx([0.032, 7 * 0.032])


@pytest.mark.parametrize(
    ("known", "counts"),
    [
        (facts(evidence=0.2), True),
        (facts(evidence=0.05), False),
        (facts(evidence=0.2, coherence=0.8), False),
        (facts(evidence=0.0, playing=False), True),
        (facts(evidence=0.9, convergence=Convergence.STARTING), False),
        (facts(evidence=0.9, convergence=Convergence.RECOVERING), False),
    ],
)
def test_the_guard_has_to_agree(known: EchoFacts, *, counts: bool) -> None:
    assert bool(triggers(heard(*[(0.9, known)] * 4), GUARDED)) is counts


def test_it_counts_as_soon_as_the_guard_agrees() -> None:
    later = heard(*[(0.9, facts(evidence=0.0))] * 4, (0.9, facts(evidence=0.3)))

    assert triggers(later, GUARDED) == pytest.approx([4 * 0.032])
