"""From a recording to findings: pure numbers, no judgement."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.pcm import INT16_FULL_SCALE
from interject.satellite.doctor.echo import Echo, measure_echo
from interject.satellite.doctor.signals import FLOOR_DBFS, dbfs

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples
    from interject.satellite.doctor.recording import Layout, Recording
    from interject.satellite.doctor.rehearsal import Rehearsal

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
