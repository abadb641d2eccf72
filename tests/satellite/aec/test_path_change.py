"""When a filter is believed, doubted, and thrown away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interject.satellite.aec.base import Convergence
from interject.satellite.aec.path_change import FilterAction, Observation, Origin, PathChangeDetector

GOOD = Observation(
    played=1.0, mic=1.0, residual=0.01, echo=1.0, misadjustment=0.01, left=0.001, noise=0.001, evidence=0.0, misfit=0.05
)


def watched(*seen: Observation) -> tuple[PathChangeDetector, list[FilterAction]]:
    watch = PathChangeDetector()
    return watch, [watch.push(each) for each in seen]


def test_it_takes_two_seconds_of_playback_to_be_believed() -> None:
    assert watched(*[GOOD] * 90)[0].convergence is Convergence.STARTING
    assert watched(*[GOOD] * 120)[0].convergence is Convergence.CONVERGED


def test_a_filter_that_knows_that_it_is_off_is_not_believed() -> None:
    assert watched(*[replace(GOOD, misadjustment=0.3)] * 200)[0].convergence is Convergence.STARTING


def test_an_echo_that_the_noise_covers_is_as_good_as_known() -> None:
    covered = replace(GOOD, echo=0.001, misadjustment=0.0005)

    assert watched(*[covered] * 40)[0].convergence is Convergence.STARTING
    assert watched(*[covered] * 60)[0].convergence is Convergence.CONVERGED


def test_what_nobody_explains_is_not_covered() -> None:
    unexplained = replace(GOOD, echo=0.001, misadjustment=0.0005, evidence=0.3)

    assert watched(*[unexplained] * 200)[0].convergence is Convergence.STARTING


def test_what_is_far_above_the_noise_is_not_covered() -> None:
    left = replace(GOOD, echo=0.001, misadjustment=0.0005, left=0.03)

    assert watched(*[left] * 200)[0].convergence is Convergence.STARTING


def test_a_user_who_talks_is_no_reason_for_doubt() -> None:
    talking = replace(GOOD, residual=1.0, mic=2.0, evidence=0.5, misfit=0.2)
    watch, verdicts = watched(*[GOOD] * 120, *[talking] * 200)

    assert set(verdicts) == {FilterAction.KEEP}
    assert watch.convergence is Convergence.CONVERGED


@pytest.mark.parametrize("misfit", [0.6, -0.4])
def test_an_echo_that_is_another_than_expected_is_a_changed_path(misfit: float) -> None:
    watch, verdicts = watched(*[GOOD] * 120, *[replace(GOOD, evidence=0.3, misfit=misfit)] * 15)

    assert verdicts.count(FilterAction.DOUBT) == 1
    assert watch.convergence is Convergence.RECOVERING


def test_a_filter_that_knows_that_it_makes_it_worse_may_go_on_learning() -> None:
    learning = replace(GOOD, residual=3.0, misadjustment=1.0)

    assert set(watched(*[learning] * 100)[1]) == {FilterAction.KEEP}


def test_a_filter_that_makes_it_worse_is_thrown_away_once() -> None:
    diverged = replace(GOOD, residual=3.0)
    watch, verdicts = watched(*[GOOD] * 120, *[diverged] * 15)

    assert verdicts.count(FilterAction.RESET) == 1
    assert watch.convergence is Convergence.RECOVERING


def test_what_was_kept_is_on_trial_for_a_moment() -> None:
    watch = PathChangeDetector(Origin.KEPT)
    for _ in range(15):
        watch.push(GOOD)
    assert watch.convergence is Convergence.CONVERGED


def test_what_was_kept_and_is_no_longer_true_counts_for_nothing() -> None:
    watch = PathChangeDetector(Origin.KEPT)
    verdicts = [watch.push(replace(GOOD, evidence=0.3, misfit=-0.5)) for _ in range(20)]
    verdicts += [watch.push(GOOD) for _ in range(60)]

    assert verdicts.count(FilterAction.DOUBT) == 1
    assert watch.convergence is Convergence.STARTING
