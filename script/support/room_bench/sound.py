"""What can be measured on the signals of a performance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from satellite.devices.pcm import INT16_FULL_SCALE
from tests.room.levels import RATE_HZ, frames_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from satellite.devices.base import Samples
    from script.support.room_bench.episodes import Episode
    from tests.room.levels import Signal

# Long enough to have energy at any pitch, short against what is measured.
_GAIN_FRAMES = frames_of(0.005)
_DUCKED_GAIN = 10 ** (-10 / 20)
# Quieter windows of the reply tell nothing of its gain: 60 dB below full scale.
_LEAST_RMS = INT16_FULL_SCALE * 1e-3
# The longest ramp down and fade, and a block of the device.
_SETTLED_S = 0.06
_LAST_STEP = 1
# Noise suppression of what goes to speech recognition delays it by as much.
_SUPPRESSED_FRAMES = frames_of(0.006)
_SILENCE_DBFS = -120.0
_LEVEL_FRAMES = frames_of(0.01)


def ducked_at(loudspeaker: Samples, reference: Samples, episode: Episode) -> float | None:
    """Tell from when on the loudspeaker is 10 dB down, or paused (s); None if it never was.

    That is the end of the last window of 5 ms at a higher level before those that are down.
    """
    first = round(episode.began_s * RATE_HZ)
    ends_s = [time for time in (episode.stopped_s, episode.resumed_s) if time is not None]
    last = min(len(reference), round(min(ends_s, default=len(reference) / RATE_HZ) * RATE_HZ))
    count = max(0, last - first) // _GAIN_FRAMES
    windows = slice(first, first + count * _GAIN_FRAMES)
    whole = reference[windows].astype(np.float64).reshape(count, _GAIN_FRAMES)
    played = loudspeaker[windows].astype(np.float64).reshape(count, _GAIN_FRAMES)
    energies = np.sum(whole**2, axis=1)
    tells = energies >= _LEAST_RMS**2 * _GAIN_FRAMES
    low = np.sum(whole * played, axis=1) <= _DUCKED_GAIN * energies
    down = np.flatnonzero(tells & low)
    if not len(down):
        return episode.stopped_s
    loud = np.flatnonzero(tells & ~low)
    before = loud[loud < down[0]]
    windows_before = int(before[-1]) + 1 if len(before) else 0
    return (first + windows_before * _GAIN_FRAMES) / RATE_HZ


def silent_at(loudspeaker: Samples, onset_s: float, stopped_s: float) -> float:
    """Tell when the loudspeaker gave its last sample above one step, for a stop at a time, no earlier than an onset."""
    first, last = round(onset_s * RATE_HZ), round((stopped_s + _SETTLED_S) * RATE_HZ)
    audible = np.flatnonzero(np.abs(loudspeaker[first:last].astype(np.int32)) > _LAST_STEP)
    return onset_s if not len(audible) else (first + int(audible[-1]) + 1) / RATE_HZ


def erle_db(mic: Samples, kept: Samples, where: NDArray[np.bool_]) -> float | None:
    """Tell by how much what is kept is below what the microphone heard in the frames chosen; None without any."""
    before, after = _energy(mic[where]), _energy(kept[where])
    return None if not before or not after else 10 * math.log10(before / after)


def near_end_db(people: Signal, kept: Samples, stretches: Iterable[slice]) -> float | None:
    """Tell the gain of the people's signal in what is kept: its projection onto it; None where nobody spoke."""
    parts = list(stretches)
    spoken = np.concatenate([people[part] for part in parts]).astype(np.float64) if parts else np.zeros(0)
    energy = float(spoken @ spoken)
    if not energy:
        return None
    gains = []
    for delay in (0, _SUPPRESSED_FRAMES):
        late = np.concatenate([np.zeros(0)] + [_stretch(kept, part, delay) for part in parts])
        gains.append(abs(float(spoken @ late)) / INT16_FULL_SCALE / energy)
    return 20 * math.log10(max(*gains, 10 ** (_SILENCE_DBFS / 20)))


def levels_dbfs(signal: NDArray[np.floating]) -> tuple[float, ...]:
    """Give the RMS of each 10 ms of a signal of full scale 1; -120 for silence."""
    whole = len(signal) // _LEVEL_FRAMES * _LEVEL_FRAMES
    powers = np.mean(signal[:whole].astype(np.float64).reshape(-1, _LEVEL_FRAMES) ** 2, axis=1)
    levels = 10 * np.log10(np.maximum(powers, 10 ** (_SILENCE_DBFS / 10)))
    return tuple(round(float(level), 1) for level in levels)


def _stretch(signal: Samples, part: slice, delay: int) -> NDArray[np.float64]:
    """Give as many samples as the part has, from a little later on."""
    found = np.zeros(part.stop - part.start)
    late = signal[part.start + delay : part.stop + delay]
    found[: len(late)] = late
    return found


def _energy(samples: Samples) -> float:
    wide = samples.astype(np.float64)
    return float(wide @ wide)
