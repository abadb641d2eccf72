"""How linear an echo is: what the best linear filter in hindsight would take out of it, simulated and recorded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from satellite.devices.pcm import INT16_FULL_SCALE
from script.support.real_bench.listening import at_16_khz
from script.support.real_bench.recordings import read_recordings
from tests.room.acoustic import AcousticRoom
from tests.room.casting import Wishes, make_scene
from tests.room.convolution import BLOCK_FRAMES
from tests.room.equipment import MIX
from tests.room.levels import RATE_HZ, frames_of
from tests.room.noises import NoiseKind
from tests.room.scene import Kind
from tests.room.staging import set_stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from satellite.devices.base import Samples
    from tests.room.corpus import Corpus

Wave = NDArray[np.float64]

# As long as the canceller's filter; what begins a little before the echo is in it too.
_TAPS = frames_of(0.18)
_LEAD_FRAMES = frames_of(0.003)
# Delays that are looked for; the band in which a small loudspeaker says something.
_MOST_DELAY_FRAMES = frames_of(0.5)
_BAND_HZ = (150.0, 3_800.0)
_RIDGE = 1e-6
# Of digital silence, which a gate may give.
_LEAST_ENERGY = 1e-9
# Something is played where 10 ms of it are above this, and rings on for a while.
_AUDIBLE_DBFS = -50.0
_RINGS_S = 0.3
# Whoever is labelled may be heard a little earlier and later.
_BEFORE_S, _AFTER_S = 0.1, 0.3
# Of a second, what has to count for it to have a figure.
_LEAST_SHARE = 0.5
_SCENE_S = 15.0
_FIRST_SEED = 500


@dataclass(frozen=True, slots=True)
class Linearity:
    """What the filter takes out of an echo, noise included: of all of it, and of each second (dB)."""

    name: str
    whole_db: float
    seconds_db: tuple[float, ...]


def linearity(name: str, mic: Wave, played: Wave, counts: NDArray[np.bool_]) -> Linearity:
    """Fit one filter of 180 ms to all samples that count; raises ValueError where none does."""
    late = np.concatenate((np.zeros(max(0, _delay(mic, played) - _LEAD_FRAMES)), played))[: len(mic)]
    left = mic - _best(mic, late, counts)
    seconds = []
    for start in range(0, len(mic) - RATE_HZ + 1, RATE_HZ):
        second = slice(start, start + RATE_HZ)
        if np.mean(counts[second]) >= _LEAST_SHARE:
            seconds.append(_gain_db(mic[second], left[second], counts[second]))
    return Linearity(name, _gain_db(mic, left, counts), tuple(seconds))


def simulated(per_class: int, corpus: Corpus) -> Iterator[Linearity]:
    """Measure so many scenes of each class of devices, in which nobody speaks."""
    for equipment, _ in MIX:
        for seed in range(_FIRST_SEED, _FIRST_SEED + per_class):
            wishes = Wishes(seconds=_SCENE_S, noise=NoiseKind.QUIET, equipment=equipment)
            stage = set_stage(make_scene(Kind.SILENCE, seed, corpus, wishes), corpus)
            played = stage.uninterrupted()[: len(stage.reply) // BLOCK_FRAMES * BLOCK_FRAMES]
            mic = AcousticRoom(stage).step(played)
            counts = np.zeros(len(mic), np.bool_)
            counts[stage.scene.reply_from_frame :] = True
            yield linearity(equipment.value, _wave(mic), _wave(played), counts)


def recorded(folder: Path) -> Iterator[Linearity]:
    """Measure the recordings of a folder; what has no echo outside the user's speech is left out.

    Raises RecordingsError.
    """
    for recording in read_recordings(folder):
        mic, played = (
            at_16_khz(signal, recording.rate_hz).astype(np.float64) for signal in (recording.mic, recording.played)
        )
        counts = _audible(played)
        for span in recording.spans:
            counts[max(0, frames_of(span.start_s - _BEFORE_S)) : frames_of(span.end_s + _AFTER_S)] = False
        if np.count_nonzero(counts) >= RATE_HZ:
            yield linearity(recording.name, mic, played, counts)


def rows(name: str, found: Sequence[Linearity], weights: Mapping[str, float] | None = None) -> list[list[str]]:
    """Give a row for each name in it and one for all: how many echoes, P10, P50 and P90 of them and of their seconds.

    weights: how often each name is met; None where each echo counts alike.
    """
    by_name = {one.name: [other for other in found if other.name == one.name] for one in found}
    alike = dict.fromkeys(by_name, 1.0) if weights is None else weights
    shares = [alike[one.name] / len(by_name[one.name]) if weights else 1.0 for one in found]
    every = [_row(one, same, [1.0] * len(same)) for one, same in by_name.items()]
    return [*every, _row(name, found, shares)]


def _row(name: str, found: Sequence[Linearity], shares: Sequence[float]) -> list[str]:
    seconds = [
        (second, share / len(one.seconds_db))
        for one, share in zip(found, shares, strict=True)
        for second in one.seconds_db
    ]
    whole = _percentiles([one.whole_db for one in found], shares)
    return [
        name,
        str(len(found)),
        *whole,
        *_percentiles([second for second, _ in seconds], [share for _, share in seconds]),
    ]


def _percentiles(values: Sequence[float], shares: Sequence[float]) -> list[str]:
    """Give P10, P50 and P90 of values that are met so often; dashes where there are none."""
    if not values:
        return ["-"] * 3
    found = np.quantile(values, (0.1, 0.5, 0.9), weights=np.asarray(shares), method="inverted_cdf")
    return [f"{value:.1f}" for value in found]


def _delay(mic: Wave, played: Wave) -> int:
    """Find by how many samples the microphone is later: the peak of the phase transform."""
    size = 1 << (len(mic) + len(played)).bit_length()
    cross = np.fft.rfft(mic, size) * np.conj(np.fft.rfft(played, size))
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    magnitudes = np.abs(cross)
    usable = (hz > _BAND_HZ[0]) & (hz < _BAND_HZ[1])
    whitened = np.where(usable, cross / (magnitudes + 0.1 * magnitudes.mean() + _RIDGE), 0)
    return int(np.argmax(np.abs(np.fft.irfft(whitened, size))[:_MOST_DELAY_FRAMES]))


def _best(mic: Wave, played: Wave, counts: NDArray[np.bool_]) -> Wave:
    """Give what the filter with the least error where it counts makes of what is played: of the normal equations."""
    size = 1 << (len(played) + _TAPS).bit_length()
    spectrum = np.fft.rfft(played, size)

    def correlated(signal: Wave) -> Wave:
        return np.fft.irfft(np.conj(spectrum) * np.fft.rfft(np.where(counts, signal, 0), size), size)[:_TAPS]

    power = correlated(played)
    # Every row is the one above, moved on, but for what enters and leaves where something begins and ceases to count.
    before = np.concatenate((np.zeros(_TAPS), played))
    edges = np.flatnonzero(np.diff(counts, prepend=False, append=False))
    ends = before[edges[:, None] + np.arange(_TAPS - 1, 0, -1)]
    signs = np.resize((1.0, -1.0), len(edges))
    matrix = np.empty((_TAPS, _TAPS))
    matrix[0] = matrix[:, 0] = power
    matrix[1:, 1:] = (ends.T * signs) @ ends
    for row in range(1, _TAPS):
        matrix[row, 1:] += matrix[row - 1, :-1]
    matrix.flat[:: _TAPS + 1] += _RIDGE * power[0]
    taps = np.linalg.solve(matrix, correlated(mic))
    return np.fft.irfft(spectrum * np.fft.rfft(taps, size), size)[: len(played)]


def _audible(played: Wave) -> NDArray[np.bool_]:
    """Tell where something was played just before."""
    blocks = len(played) // BLOCK_FRAMES
    powers = np.mean(np.square(played[: blocks * BLOCK_FRAMES].reshape(blocks, BLOCK_FRAMES)), axis=1)
    reach = np.ones(frames_of(_RINGS_S) // BLOCK_FRAMES)
    heard = np.convolve(powers > 10 ** (_AUDIBLE_DBFS / 10), reach)[:blocks] > 0
    return np.pad(np.repeat(heard, BLOCK_FRAMES), (0, len(played) - blocks * BLOCK_FRAMES))


def _gain_db(mic: Wave, left: Wave, counts: NDArray[np.bool_]) -> float:
    heard, rest = (float(np.sum(np.square(signal[counts]))) for signal in (mic, left))
    return 10 * math.log10(max(heard, _LEAST_ENERGY) / max(rest, _LEAST_ENERGY))


def _wave(samples: Samples) -> Wave:
    return samples.astype(np.float64) / INT16_FULL_SCALE
