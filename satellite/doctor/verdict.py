"""From findings to a verdict and its report: which barge-in can be kept, why no better one, and what to change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.satellite.aec.delay import MAX_DELAY_SAMPLES
from interject.satellite.aec.engines import CancellerKind
from interject.satellite.aec.level_guard import SAFE_ECHO_DB
from interject.satellite.audio.resampling import RATE_HZ
from interject.satellite.duplex.modes import DuplexMode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.satellite.doctor.echo import Echo
    from interject.satellite.doctor.measure import Findings, Rehearsal


# Two bits of noise: even a microphone in a silent room hears itself better than this.
_DEAF_DBFS = -84.0
# Of the samples that our voice makes. A clipped echo is not a linear one any more, which is all that is cancelled;
# where so many are cut off, nobody else's are left.
_MOST_CLIPPED = 0.001
_NOTHING_LEFT_CLIPPED = 0.03
# What the loudspeaker must be turned down by leaves its peaks this far below the limit.
_HEADROOM_DB = 3.0
# With 50 ppm between the clocks the canceller's gain ends at 9 to 16 dB.
MOST_DRIFT_PPM = 50.0
_MOST_DELAY_MS = MAX_DELAY_SAMPLES * 1000 / RATE_HZ
# What is left of our voice, relative to what is played. Start values, not measured ones: somebody across the room is
# about 12 dB below what is played, so that nothing louder leaves a wake word; 8 dB less leaves any speech.
_MOST_RESIDUAL_DB = -20.0
_WORD_RESIDUAL_DB = -12.0
# A canceller takes out what is linear; 3 % of it is 30 dB below the echo, which is what cancelling can do at best.
_MOST_DISTORTION = 0.03
# Where it is louder, the microphone is nearer to the loudspeaker than it has to be.
_LOUD_ECHO_DB = -6.0
# Somebody across the room is at about -32 dBFS, and a detector of voices wants 10 dB more than the noise.
_MOST_NOISE_DBFS = -42.0
# Fewer windows than this (192 ms) duck a reply for a moment, and never pause it.
_PAUSES_WINDOWS = 6
# The detector takes some noise for a voice, too, while it gets used to it.
_MOST_VOICES = 0.15


_MEANING = {
    DuplexMode.SPEECH: "speech: anything that is said can interrupt a reply",
    DuplexMode.WORDS: "stop or wake word: start with --barge-in stop-word or wake-word until that is mended",
    DuplexMode.HALF_DUPLEX: "half duplex: start with --barge-in off until that is mended",
}
# Less than this no clock of one device differs from another's as it is measured.
_ONE_CLOCK_PPM = 5.0
# Narrow enough for a terminal, wide enough for the longest name.
_NAME_WIDTH = 24


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong, and what helps; `leaves` is the best duplex mode meanwhile."""

    reason: str
    remedy: str
    leaves: DuplexMode


@dataclass(frozen=True, slots=True)
class Verdict:
    """The duplex mode, None where it could not be measured, and all that is wrong."""

    mode: DuplexMode | None
    troubles: tuple[Trouble, ...]


def judge(findings: Findings, canceller: CancellerKind) -> Verdict:
    """Judge what was found with the satellite's canceller."""
    if findings.heard_dbfs < _DEAF_DBFS:
        return Verdict(None, (_DEAF,))
    echo = findings.echo
    if echo is None:
        return Verdict(None, (_NO_ECHO,))
    causes = [trouble for rule in _CAUSES if (trouble := rule(findings, echo)) is not None]
    effects = _effects(findings, echo, canceller)
    troubles = (*causes, *(_together(effects) if causes else effects), *_advice(findings))
    return Verdict(_worst(troubles), troubles)


_DEAF = Trouble(
    "the microphone hears nothing",
    "unmute it, turn it up, or choose another one with --mic-device; --list-devices prints what there is",
    DuplexMode.HALF_DUPLEX,
)
_NO_ECHO = Trouble(
    "the microphone does not hear the loudspeaker",
    "turn the loudspeaker on and up, or choose another one with --snd-device; with headphones that is as it should be, "
    "and --echo-canceller none is right",
    DuplexMode.HALF_DUPLEX,
)
_LEARN = "turn the loudspeaker up or the noise in the room down, and repeat the check-up"
_SILENCE = "somebody spoke, or a radio did: repeat the check-up in silence"
_MEND_FIRST = "mend what is told above, and repeat the check-up"


def _clipping(findings: Findings, echo: Echo) -> Trouble | None:
    if findings.clipped <= _MOST_CLIPPED:
        return None
    turn_db = math.ceil(echo.overdrive_db + _HEADROOM_DB)
    return Trouble(
        f"the microphone clips ({findings.clipped:.1%} of the samples)",
        f"turn the loudspeaker, or the microphone's gain, down {turn_db} dB",
        DuplexMode.HALF_DUPLEX if findings.clipped > _NOTHING_LEFT_CLIPPED else DuplexMode.WORDS,
    )


def _drift(_: Findings, echo: Echo) -> Trouble | None:
    drift_ppm = echo.slide.drift_ppm
    if drift_ppm is None or abs(drift_ppm) < MOST_DRIFT_PPM:
        return None
    return Trouble(
        f"the clocks of microphone and loudspeaker drift apart ({abs(drift_ppm):.0f} ppm)",
        "use one device for both",
        DuplexMode.WORDS,
    )


def _jumps(_: Findings, echo: Echo) -> Trouble | None:
    jumps_ms = echo.slide.jumps_ms
    if not jumps_ms:
        return None
    return Trouble(
        f"the delay jumps ({', '.join(f'{jump_ms:+.0f} ms' for jump_ms in jumps_ms)})",
        "use one device for both, and give the sound server or --snd-command a longer buffer",
        DuplexMode.WORDS,
    )


def _gaps(findings: Findings, _: Echo) -> Trouble | None:
    if not findings.gaps:
        return None
    return Trouble(
        f"audio is lost ({findings.lost_ms:.0f} ms, {findings.gaps} times)",
        "free the processor of other work, use another USB port, or give the sound server a longer buffer",
        DuplexMode.WORDS,
    )


def _late(_: Findings, echo: Echo) -> Trouble | None:
    if echo.delay_ms <= _MOST_DELAY_MS:
        return None
    return Trouble(
        f"the loudspeaker is {echo.delay_ms:.0f} ms late, and the canceller looks back {_MOST_DELAY_MS:.0f} ms",
        "shorten the buffer of --snd-command (aplay has --buffer-time) or of the sound server, and use no Bluetooth",
        DuplexMode.WORDS,
    )


_CAUSES: tuple[Callable[[Findings, Echo], Trouble | None], ...] = (_clipping, _drift, _jumps, _gaps, _late)


def _effects(findings: Findings, echo: Echo, canceller: CancellerKind) -> list[Trouble]:
    """Tell what the satellite could not do, and what helps where no cause is known."""
    rehearsal = findings.rehearsal
    remedy = _less_echo(findings, echo, canceller)
    found = []
    # An echo too weak to be learnt is also too weak to be taken for a user.
    if rehearsal.converged_s is None and echo.level_db > SAFE_ECHO_DB:
        found.append(Trouble("the canceller did not learn the echo", _LEARN, DuplexMode.WORDS))
    residual_db = echo.level_db - rehearsal.gain_db
    if residual_db > (_MOST_RESIDUAL_DB if canceller is CancellerKind.KALMAN else SAFE_ECHO_DB):
        leaves = DuplexMode.HALF_DUPLEX if residual_db > _WORD_RESIDUAL_DB else DuplexMode.WORDS
        reason = f"too much of our own voice is left ({residual_db:.0f} dB of what is played)"
        found.append(Trouble(reason, remedy, leaves))
    if rehearsal.counted >= _PAUSES_WINDOWS:
        reason = f"the satellite would interrupt itself ({rehearsal.counted} windows of {rehearsal.windows})"
        found.append(Trouble(reason, _SILENCE if rehearsal.voices > _MOST_VOICES else remedy, DuplexMode.WORDS))
    return found


def _together(troubles: Sequence[Trouble]) -> list[Trouble]:
    """Make one of what follows from causes that are told already."""
    if not troubles:
        return []
    return [Trouble("; ".join(trouble.reason for trouble in troubles), _MEND_FIRST, _worst(troubles))]


def _worst(troubles: Sequence[Trouble]) -> DuplexMode:
    return max((trouble.leaves for trouble in troubles), key=list(DuplexMode).index, default=DuplexMode.SPEECH)


def _less_echo(findings: Findings, echo: Echo, canceller: CancellerKind) -> str:
    if canceller is not CancellerKind.KALMAN:
        return "use --echo-canceller kalman"
    if echo.distortion > _MOST_DISTORTION:
        return f"turn the loudspeaker down: it distorts ({echo.distortion:.0%})"
    if echo.level_db > _LOUD_ECHO_DB:
        return "move the microphone away from the loudspeaker, or turn the loudspeaker down"
    if findings.noise_dbfs > _MOST_NOISE_DBFS:
        return "make the room quieter, and repeat the check-up"
    return "repeat the check-up in silence; if it stays so, move the microphone away from the loudspeaker"


def _advice(findings: Findings) -> list[Trouble]:
    """Tell what costs some of the users' words and no duplex mode."""
    if findings.noise_dbfs <= _MOST_NOISE_DBFS:
        return []
    return [
        Trouble(
            f"the noise floor is high ({findings.noise_dbfs:.0f} dBFS)",
            "switch off what hums or blows, or turn down the gain of a microphone that hisses by itself",
            DuplexMode.SPEECH,
        )
    ]


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
        ("Drift", _report_drift(echo.slide.drift_ppm)),
        ("Echo", f"{echo.level_db:.0f} dB of what is played"),
        ("Distortion", distortion),
    ]


def _report_drift(drift_ppm: float | None) -> str:
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
