"""What a check-up says to the person who runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.satellite.doctor.verdict import MOST_DRIFT_PPM
from interject.satellite.duplex.modes import DuplexMode

if TYPE_CHECKING:
    from interject.satellite.aec.engines import CancellerKind
    from interject.satellite.doctor.echo import Echo
    from interject.satellite.doctor.measure import Findings, Rehearsal
    from interject.satellite.doctor.verdict import Verdict

_MEANING = {
    DuplexMode.SPEECH: "speech: anything that is said can interrupt a reply",
    DuplexMode.WORDS: "stop or wake word: start with --barge-in stop-word or wake-word until that is mended",
    DuplexMode.HALF_DUPLEX: "half duplex: start with --barge-in off until that is mended",
}
# Less than this no clock of one device differs from another's as it is measured.
_ONE_CLOCK_PPM = 5.0
# Narrow enough for a terminal, wide enough for the longest name.
_NAME_WIDTH = 24


def report(findings: Findings, verdict: Verdict, canceller: CancellerKind) -> str:
    """Return the report, with the verdict at its end."""
    rows = [*_microphone_rows(findings)]
    if findings.echo is not None:
        rows += _echo_rows(findings.echo)
        rows += _rehearsal_rows(findings.rehearsal, canceller)
    lines = [f"{name:<{_NAME_WIDTH}}{value}" for name, value in rows]
    return "\n".join([*lines, "", *_verdict_lines(verdict)]) + "\n"


def _microphone_rows(findings: Findings) -> list[tuple[str, str]]:
    lost = f"{findings.lost_ms:.0f} ms, {findings.gaps} times" if findings.gaps else "none"
    return [
        ("Noise floor", f"{findings.noise_dbfs:.0f} dBFS"),
        ("Microphone's peak", f"{findings.peak_dbfs:.0f} dBFS"),
        ("Clipping", f"{findings.clipped:.2%} of the samples while speaking"),
        ("Lost audio", lost),
    ]


def _echo_rows(echo: Echo) -> list[tuple[str, str]]:
    jumps = ", ".join(f"{jump_ms:+.0f} ms" for jump_ms in echo.slide.jumps_ms)
    distortion = f"{echo.distortion:.1%}" if echo.distortion else "none above the noise"
    return [
        ("Delay", f"{echo.delay_ms:.1f} ms, {f'jumps by {jumps}' if jumps else 'steady'}"),
        ("Drift", _drift(echo.slide.drift_ppm)),
        ("Echo", f"{echo.level_db:.0f} dB of what is played"),
        ("Distortion", distortion),
    ]


def _drift(drift_ppm: float | None) -> str:
    if drift_ppm is None:
        return "unknown: too little of the echo is heard"
    clocks = "one clock" if abs(drift_ppm) < _ONE_CLOCK_PPM else "two clocks"
    much = ", too much" if abs(drift_ppm) >= MOST_DRIFT_PPM else ""
    return f"{round(drift_ppm)} ppm ({clocks}{much})"


def _rehearsal_rows(rehearsal: Rehearsal, canceller: CancellerKind) -> list[tuple[str, str]]:
    converged = "never" if rehearsal.converged_s is None else f"after {rehearsal.converged_s:.1f} s of speech"
    return [
        ("Echo canceller", canceller.value),
        ("  converged", converged),
        ("  gain (ERLE)", f"{rehearsal.gain_db:.0f} dB, noise included"),
        ("  our own voice", f"{rehearsal.heard} of {rehearsal.windows} windows sound like a voice"),
        ("  would interrupt", f"{rehearsal.counted} of {rehearsal.windows} windows"),
    ]


def _verdict_lines(verdict: Verdict) -> list[str]:
    troubles = [f"- {trouble.reason}: {trouble.remedy}" for trouble in verdict.troubles]
    if verdict.mode is None:
        return ["Verdict: it could not be measured", *troubles]
    return [f"Verdict: {_MEANING[verdict.mode]}", *troubles]
