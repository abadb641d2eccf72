"""From a recording to findings: pure numbers, no judgement."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import Convergence
from interject.satellite.audio.pcm import INT16_FULL_SCALE
from interject.satellite.audio.resampling import RATE_HZ
from interject.satellite.doctor.echo import Echo, measure_echo
from interject.satellite.doctor.signals import FLOOR_DBFS, dbfs
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.aec.base import Cancelled, EchoControl, EchoReport
    from interject.satellite.aec.canceller import Path
    from interject.satellite.audio.base import Samples
    from interject.satellite.doctor.recording import Layout, Recording
    from interject.satellite.frontend.vad import VoiceDetector


_BLOCK_S = 0.02
# The room rings, and the detector lets go, for this long after the speech.
_AFTER_S = 0.5
# By then a canceller has learnt what it can.
_LEARNT_S = 4.0
_TINY = 1e-12


# Levels are the median of tenths of a second: one knock changes nothing.
_LEVEL_S = 0.1
# Samples so near to the highest, in speech, are a flat top; where speech is not cut off hardly one in 10,000 is.
_FLAT = 0.99
# A signal quieter than this is far from any limit.
_LIMIT_DBFS = -20.0
# One value for 5 ms is no sound, where there is noise of more than some bits.
_HOLE_S = 0.005
_NOISY_DBFS = -75.0


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the satellite would have heard while it alone spoke.

    converged_s: after how much of the speech its canceller was to be believed, None for never. gain_db: by how much the
    microphone is quieter after the canceller, noise included. windows: of 32 ms, during the speech; heard: those that
    sound like a voice; counted: those that its guard lets count as a user's. voices: share of the windows before,
    when nothing was played, that sound like a voice.
    """

    converged_s: float | None
    gain_db: float
    windows: int
    heard: int
    counted: int
    voices: float


class _Weighed:
    """An EchoControl that weighs what goes into another one and what comes out."""

    def __init__(self, control: EchoControl) -> None:
        self._control = control
        self.heard = 0.0
        self.left = 0.0

    @property
    def report(self) -> EchoReport:
        return self._control.report

    @property
    def path(self) -> Path | None:
        return self._control.path

    def process(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> Cancelled:
        cancelled = self._control.process(mic_20ms, played_20ms)
        self.heard += float(mic_20ms @ mic_20ms)
        self.left += float(cancelled.for_vad @ cancelled.for_vad)
        return cancelled

    def is_echo(self) -> bool:
        return self._control.is_echo()


def rehearse(
    recording: Recording,
    layout: Layout,
    control: EchoControl,
    vad: VoiceDetector,
    hearing: HearingSettings,
    threshold: float,
) -> Rehearsal:
    """Let a satellite that has just started hear the silence and the speech; `threshold`: of its VAD in replies.

    Raises HearingError when a library fails.
    """
    weighed = _Weighed(control)
    front_end = FrontEnd(recording.rate_hz, replace(hearing, preroll_s=1.0), vad, weighed)
    first, last = layout.quiet.start, layout.speech.stop + round(_AFTER_S * recording.rate_hz)
    speech_s = (layout.speech.start - first) / recording.rate_hz
    step = round(_BLOCK_S * recording.rate_hz)
    converged_s: float | None = None
    windows = []
    for start in range(first, min(last, len(recording.mic)), step):
        block = slice(start, start + step)
        windows += front_end.push(recording.mic[block], recording.played[block])
        spoken_s = (start - first) / recording.rate_hz - speech_s
        if spoken_s < _LEARNT_S:
            weighed.heard = weighed.left = 0.0
        if converged_s is None and front_end.echo.playing and front_end.echo.convergence is Convergence.CONVERGED:
            converged_s = max(0.0, spoken_s)
    during = [window for window in windows if window.end_index > speech_s * RATE_HZ]
    before = windows[: len(windows) - len(during)]
    voiced = [window for window in during if window.probability >= threshold]
    return Rehearsal(
        converged_s=converged_s,
        gain_db=10 * math.log10((weighed.heard + _TINY) / (weighed.left + _TINY)),
        windows=len(during),
        heard=len(voiced),
        counted=sum(not window.is_echo for window in voiced),
        voices=sum(window.probability >= threshold for window in before) / max(1, len(before)),
    )


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check-up found; levels in dBFS, RMS unless called a peak.

    heard_dbfs: of the microphone while something was played; noise_dbfs: while nothing was. peak_dbfs: its highest
    sample. clipped: share of the samples that were cut off. gaps: how often audio was lost, holes included; lost_ms:
    how much of it. echo: None where none was found.
    """

    heard_dbfs: float
    noise_dbfs: float
    peak_dbfs: float
    clipped: float
    gaps: int
    lost_ms: float
    echo: Echo | None
    rehearsal: Rehearsal


def measure(recording: Recording, layout: Layout, rehearsal: Rehearsal) -> Findings:
    """Measure everything that a recording tells (blocking: about a second)."""
    mic, rate_hz = recording.mic, recording.rate_hz
    speech, quiet = mic[layout.speech], mic[layout.quiet]
    noise_dbfs = _level_dbfs(quiet, rate_hz)
    clipped = clipped_share(speech)
    holes, hole_frames = _holes(mic, rate_hz) if noise_dbfs > _NOISY_DBFS else (0, 0)
    return Findings(
        heard_dbfs=max(_level_dbfs(mic[layout.sweep], rate_hz), _level_dbfs(speech, rate_hz)),
        noise_dbfs=noise_dbfs,
        peak_dbfs=dbfs(_highest(mic)),
        clipped=clipped,
        gaps=recording.gaps + holes,
        lost_ms=(recording.lost_frames + hole_frames) * 1000 / rate_hz,
        echo=measure_echo(recording, layout, clipped),
        rehearsal=rehearsal,
    )


def clipped_share(speech: Samples) -> float:
    """Return the share of samples that are at a limit: full scale's, or that of what comes before the converter."""
    limit = 10 ** (_LIMIT_DBFS / 20) * INT16_FULL_SCALE
    wide = speech.astype(np.int32)
    tops = (wave[wave >= _FLAT * wave.max()] for wave in (wide, -wide) if wave.max(initial=0) > limit)
    return sum(map(len, tops)) / max(1, len(speech))


def _level_dbfs(samples: Samples, rate_hz: int) -> float:
    step = round(_LEVEL_S * rate_hz)
    whole = len(samples) // step * step
    if not whole:
        return FLOOR_DBFS
    scaled = samples[:whole].astype(np.float64) / INT16_FULL_SCALE
    # A microphone may have an offset, which nobody hears.
    pieces = (scaled - scaled.mean()).reshape(-1, step)
    return dbfs(math.sqrt(float(np.median(np.mean(np.square(pieces), axis=1)))))


def _holes(samples: Samples, rate_hz: int) -> tuple[int, int]:
    """Count the stretches in which the samples do not change, and their frames."""
    changes = np.flatnonzero(np.diff(samples))
    lengths = np.diff(np.concatenate(([-1], changes, [len(samples) - 1])))
    # Where it clips it does not change either.
    held = samples[np.concatenate((changes, [len(samples) - 1]))]
    holes = lengths[(lengths >= _HOLE_S * rate_hz) & (np.abs(held.astype(np.int32)) < INT16_FULL_SCALE / 2)]
    return len(holes), int(holes.sum())


def _highest(samples: Samples) -> float:
    return float(np.abs(samples.astype(np.int32)).max(initial=0)) / INT16_FULL_SCALE
