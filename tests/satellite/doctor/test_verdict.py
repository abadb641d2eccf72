"""Each remedy is told for its cause, and not otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interject.satellite.aec.engines import CancellerKind
from interject.satellite.doctor.echo import Echo
from interject.satellite.doctor.measure import Findings
from interject.satellite.doctor.response import Slide
from interject.satellite.doctor.verdict import judge, report
from interject.satellite.duplex.modes import DuplexMode
from tests.satellite.doctor.check_up import GOOD

ECHO = Echo(delay_ms=60.0, slide=Slide(0.5, ()), level_db=-12.0, overdrive_db=0.0, distortion=0.01)
FINE = Findings(
    heard_dbfs=-32.0, noise_dbfs=-60.0, peak_dbfs=-20.0, clipped=0.0, gaps=0, lost_ms=0.0, echo=ECHO, rehearsal=GOOD
)
LOUD = replace(FINE, echo=replace(ECHO, level_db=0.0))
SELF = replace(GOOD, counted=12)
LEAKY = replace(GOOD, gain_db=7.0)

CASES = {
    "clipping": (
        replace(FINE, clipped=0.012, echo=replace(ECHO, overdrive_db=2.6)),
        DuplexMode.WORDS,
        "the microphone clips (1.2% of the samples)",
        "turn the loudspeaker, or the microphone's gain, down 6 dB",
    ),
    "nothing but clipping": (
        replace(FINE, clipped=0.2, echo=replace(ECHO, overdrive_db=9.0)),
        DuplexMode.HALF_DUPLEX,
        "clips (20.0%",
        "down 12 dB",
    ),
    "two clocks": (
        replace(FINE, echo=replace(ECHO, slide=Slide(-80.0, ()))),
        DuplexMode.WORDS,
        "drift apart (80 ppm)",
        "use one device for both",
    ),
    "a buffer that slips": (
        replace(FINE, echo=replace(ECHO, slide=Slide(0.0, (20.0, -10.0)))),
        DuplexMode.WORDS,
        "the delay jumps (+20 ms, -10 ms)",
        "a longer buffer",
    ),
    "lost audio": (
        replace(FINE, gaps=2, lost_ms=40.0),
        DuplexMode.WORDS,
        "audio is lost (40 ms, 2 times)",
        "processor",
    ),
    "a long buffer": (
        replace(FINE, echo=replace(ECHO, delay_ms=520.0)),
        DuplexMode.WORDS,
        "the loudspeaker is 520 ms late, and the canceller looks back 400 ms",
        "aplay has --buffer-time",
    ),
    "an echo that is not learnt": (
        replace(FINE, rehearsal=replace(GOOD, converged_s=None)),
        DuplexMode.WORDS,
        "did not learn the echo",
        "the noise in the room down",
    ),
    "too near": (
        replace(LOUD, rehearsal=SELF),
        DuplexMode.WORDS,
        "interrupt itself",
        "move the microphone away from the",
    ),
    "a loudspeaker that distorts": (
        replace(LOUD, echo=replace(ECHO, distortion=0.08), rehearsal=SELF),
        DuplexMode.WORDS,
        "interrupt itself (12 windows of 266)",
        "turn the loudspeaker down: it distorts (8%)",
    ),
    "somebody who spoke": (
        replace(FINE, rehearsal=replace(SELF, voices=0.3)),
        DuplexMode.WORDS,
        "interrupt itself",
        "somebody spoke, or a radio did",
    ),
    "an echo that stays": (
        replace(LOUD, rehearsal=LEAKY),
        DuplexMode.HALF_DUPLEX,
        "too much of our own voice is left (-7 dB",
        "move the microphone away",
    ),
    "a noisy room": (
        replace(FINE, noise_dbfs=-38.0),
        DuplexMode.SPEECH,
        "noise floor is high (-38 dBFS)",
        "switch off",
    ),
}


def test_where_all_is_well_there_is_nothing_to_change() -> None:
    verdict = judge(FINE, CancellerKind.KALMAN)
    assert verdict.mode is DuplexMode.SPEECH
    assert verdict.troubles == ()


@pytest.mark.parametrize("case", CASES)
def test_a_cause_is_told_with_its_remedy_and_nothing_else_is(case: str) -> None:
    findings, mode, reason, remedy = CASES[case]
    verdict = judge(findings, CancellerKind.KALMAN)
    assert verdict.mode is mode
    (trouble,) = verdict.troubles
    assert reason in trouble.reason
    assert remedy in trouble.remedy
    assert trouble.remedy in report(findings, verdict, CancellerKind.KALMAN)


def test_a_known_cause_comes_first_and_what_follows_from_it_has_no_remedy_of_its_own() -> None:
    drifting, *_ = CASES["two clocks"]
    unlearnt = replace(drifting, rehearsal=replace(SELF, converged_s=None, gain_db=0.0))
    verdict = judge(replace(unlearnt, echo=replace(ECHO, slide=Slide(80.0, ()), level_db=0.0)), CancellerKind.KALMAN)
    drift, rest = verdict.troubles
    assert "drift" in drift.reason
    assert all(told in rest.reason for told in ("did not learn", "own voice is left", "interrupt itself"))
    assert "mend what is told above" in rest.remedy
    assert verdict.mode is DuplexMode.HALF_DUPLEX


def test_the_worst_trouble_decides() -> None:
    findings = replace(CASES["an echo that stays"][0], gaps=1, lost_ms=20.0, noise_dbfs=-30.0)
    verdict = judge(findings, CancellerKind.KALMAN)
    assert len(verdict.troubles) == 3
    assert verdict.mode is DuplexMode.HALF_DUPLEX


@pytest.mark.parametrize("kind", [CancellerKind.NONE, CancellerKind.AEC3])
def test_where_another_canceller_leaves_too_much_ours_is_recommended(kind: CancellerKind) -> None:
    (trouble,) = judge(replace(FINE, rehearsal=replace(GOOD, gain_db=10.0)), kind).troubles
    assert "use --echo-canceller kalman" in trouble.remedy


def test_an_echo_too_weak_to_be_learnt_is_no_trouble() -> None:
    weak = replace(FINE, echo=replace(ECHO, level_db=-40.0), rehearsal=replace(GOOD, converged_s=None, gain_db=2.0))
    assert judge(weak, CancellerKind.KALMAN).mode is DuplexMode.SPEECH


def test_a_muted_microphone_is_not_measured_and_only_that_is_told() -> None:
    verdict = judge(replace(FINE, heard_dbfs=-110.0, noise_dbfs=-120.0, echo=None), CancellerKind.KALMAN)
    assert verdict.mode is None
    (trouble,) = verdict.troubles
    assert trouble.reason == "the microphone hears nothing"
    assert "unmute it" in trouble.remedy


def test_a_loudspeaker_that_is_not_heard_may_be_headphones() -> None:
    verdict = judge(replace(FINE, echo=None), CancellerKind.KALMAN)
    assert verdict.mode is None
    (trouble,) = verdict.troubles
    assert "does not hear the loudspeaker" in trouble.reason
    assert "with headphones that is as it should be" in trouble.remedy


def test_what_would_only_duck_a_reply_costs_no_mode() -> None:
    assert judge(replace(FINE, rehearsal=replace(GOOD, counted=3)), CancellerKind.KALMAN).mode is DuplexMode.SPEECH
    assert judge(replace(FINE, rehearsal=replace(GOOD, counted=12)), CancellerKind.KALMAN).mode is DuplexMode.WORDS
