"""What can be measured on the signals of a performance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.pcm import INT16_FULL_SCALE
from tools.simulator.levels import RATE_HZ, frames_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples
    from tools.bench.room.episodes import Episode
    from tools.simulator.levels import Signal

# Long enough to have energy at any pitch, short against what is measured.
_GAIN_FRAMES = frames_of(0.005)
_DUCKED_GAIN = 10 ** (-10 / 20)
# Quieter windows of the reply tell nothing of its gain: 60 dB below full scale.
_LEAST_RMS = INT16_FULL_SCALE * 1e-3
# The longest ramp down and fade, and a block of the device.
_SETTLED_S = 0.06
_LAST_STEP = 1
# What is kept may be as late: WebRTC's noise suppression takes 6 ms, its echo canceller 8, a model a frame of its own.
_LATEST_FRAMES = frames_of(0.02)
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
    """Tell the gain of the people's signal in what is kept: its projection onto it; None where nobody spoke.

    What is kept may be up to 20 ms late, by the same time in all stretches: the lag at which most of it is found.
    """
    energy = 0.0
    shared = np.zeros(_LATEST_FRAMES + 1)
    for part in stretches:
        spoken = people[part].astype(np.float64)
        late = np.zeros(len(spoken) + _LATEST_FRAMES)
        there = kept[part.start : part.start + len(late)]
        late[: len(there)] = there
        size = 1 << len(late).bit_length()
        energy += float(spoken @ spoken)
        shared += np.fft.irfft(np.fft.rfft(late, size) * np.conj(np.fft.rfft(spoken, size)), size)[: len(shared)]
    if not energy:
        return None
    gain = float(np.abs(shared).max()) / INT16_FULL_SCALE / energy
    return 20 * math.log10(max(gain, 10 ** (_SILENCE_DBFS / 20)))


def levels_dbfs(signal: NDArray[np.floating]) -> tuple[float, ...]:
    """Give the RMS of each 10 ms of a signal of full scale 1; -120 for silence."""
    whole = len(signal) // _LEVEL_FRAMES * _LEVEL_FRAMES
    powers = np.mean(signal[:whole].astype(np.float64).reshape(-1, _LEVEL_FRAMES) ** 2, axis=1)
    levels = 10 * np.log10(np.maximum(powers, 10 ** (_SILENCE_DBFS / 10)))
    return tuple(round(float(level), 1) for level in levels)


def _energy(samples: Samples) -> float:
    wide = samples.astype(np.float64)
    return float(wide @ wide)
