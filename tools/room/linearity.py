"""What an echo is like, simulated and recorded: how linear, how much louder than the noise, how steady its gain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from tools.bench.real.listening import at_16_khz
from tools.simulator.convolution import BLOCK_FRAMES
from tools.simulator.levels import RATE_HZ, frames_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tools.bench.real.recordings import Recording
    from tools.simulator.levels import Signal

Wave = NDArray[np.float64]
_Sample = TypeVar("_Sample", bound=np.generic)

# As long as the canceller's filter; what begins a little before the echo is in it too.
_TAPS = frames_of(0.18)
_LEAD_FRAMES = frames_of(0.003)
# Delays that are looked for; the band in which a small loudspeaker says something.
_MOST_DELAY_FRAMES = frames_of(0.5)
_BAND_HZ = (150.0, 3_800.0)
# Below, a room rumbles and a small loudspeaker is silent.
_RUMBLE_HZ = 100.0
_RIDGE = 1e-6
# Of digital silence, which a gate may give.
_LEAST_POWER = 1e-12
# Something is played where 10 ms of it are above this, and rings on for a while.
_AUDIBLE_DBFS = -50.0
_RINGS_S = 0.3
# Whoever is labelled may be heard a little earlier and later.
_BEFORE_S, _AFTER_S = 0.1, 0.3
# The quietest of so long pieces, of which there are some between words whatever is played, are noise.
_PIECE_FRAMES = frames_of(0.02)
_QUIETEST = 0.1
# Of what is left of an echo, so much is no noise: what the quietest pieces say is not exact.
_LEAST_SHARE = 0.03
# A gain is looked for in pieces that are long against a filter's delay, and loud.
_GAIN_FRAMES = frames_of(0.1)
_LOUD_DB = 15.0


@dataclass(frozen=True, slots=True)
class Echo:
    """An echo from 100 Hz on, in dB.

    linear_db: by how much the best linear filter of 180 ms in hindsight lowers it, noise included. noiseless_db: the
    same, as far as it is no noise. above_noise_db: inf where silence is digital. unsteady_db: from P10 to P90 of the
    microphone's gain in pieces of 100 ms.
    """

    name: str
    linear_db: float
    noiseless_db: float
    above_noise_db: float
    unsteady_db: float


def echoes(recordings: Iterable[Recording]) -> Iterator[Echo]:
    """Measure recordings; one in which no echo is heard outside the user's speech is left out."""
    for recording in recordings:
        mic, played = (
            _without_rumble(at_16_khz(signal, recording.rate_hz)) for signal in (recording.mic, recording.played)
        )
        alone = np.ones(len(mic), np.bool_)
        for span in recording.spans:
            alone[max(0, frames_of(span.start_s - _BEFORE_S)) : frames_of(span.end_s + _AFTER_S)] = False
        counts = alone & _audible(played)
        if np.count_nonzero(counts) >= RATE_HZ:
            yield measured(recording.name, mic, played, counts, _noise(mic, alone))


def measured(name: str, mic: Wave, played: Wave, counts: NDArray[np.bool_], noise: float = 0.0) -> Echo:
    """Fit a filter to all samples that count, of which there are some; noise: its power."""
    late = np.concatenate((np.zeros(max(0, _delay(mic, played) - _LEAD_FRAMES)), played))[: len(mic)]
    echo = _best(mic, late, counts)
    heard, left = (float(np.mean(np.square(signal[counts]))) for signal in (mic, mic - echo))
    return Echo(
        name=name,
        linear_db=_decibels(heard, left),
        noiseless_db=_decibels(heard - noise, max(left - noise, _LEAST_SHARE * left)),
        above_noise_db=_decibels(heard - noise, noise) if noise > _LEAST_POWER else math.inf,
        unsteady_db=_unsteady_db(mic, echo, counts),
    )


def rows(name: str, found: Sequence[Echo]) -> list[list[str]]:
    """Give a row for each name in it and one for all: how many echoes, and of each measure P10, P50 and P90."""
    by_name = {one.name: [other for other in found if other.name == one.name] for one in found}
    return [_row(*item) for item in [*by_name.items(), (name, found)]]


def _row(name: str, found: Sequence[Echo]) -> list[str]:
    measures = zip(
        *((one.linear_db, one.noiseless_db, one.above_noise_db, one.unsteady_db) for one in found), strict=True
    )
    return [
        name,
        str(len(found)),
        *(
            f"{value:.1f}"
            for measure in measures
            for value in np.quantile(measure, (0.1, 0.5, 0.9), method="inverted_cdf")
        ),
    ]


def _without_rumble(signal: Signal) -> Wave:
    spectrum = np.fft.rfft(signal.astype(np.float64))
    spectrum[np.fft.rfftfreq(len(signal), 1 / RATE_HZ) < _RUMBLE_HZ] = 0
    return np.fft.irfft(spectrum, len(signal))


def _noise(mic: Wave, alone: NDArray[np.bool_]) -> float:
    """Give the power of what is heard where nobody speaks and nothing is played."""
    powers = _powers(mic, _PIECE_FRAMES)[_pieces(alone, _PIECE_FRAMES).all(axis=1)]
    return float(np.mean(np.sort(powers)[: max(1, round(_QUIETEST * len(powers)))]))


def _unsteady_db(mic: Wave, echo: Wave, counts: NDArray[np.bool_]) -> float:
    heard, expected = _pieces(mic, _GAIN_FRAMES), _pieces(echo, _GAIN_FRAMES)
    powers = np.sum(np.square(expected), axis=1)
    loud = _pieces(counts, _GAIN_FRAMES).all(axis=1)
    loud &= powers > powers[loud].max(initial=0) * 10 ** (-_LOUD_DB / 10)
    gains = np.sum(heard * expected, axis=1)[loud] / powers[loud]
    low, high = np.quantile(np.square(gains), (0.1, 0.9))
    return _decibels(high, low)


def _powers(signal: Wave, frames: int) -> Wave:
    powers: Wave = np.mean(np.square(_pieces(signal, frames)), axis=1)
    return powers


def _pieces(signal: NDArray[_Sample], frames: int) -> NDArray[_Sample]:
    return signal[: len(signal) // frames * frames].reshape(-1, frames)


def _decibels(power: float, reference: float) -> float:
    return 10 * math.log10(max(power, _LEAST_POWER) / max(reference, _LEAST_POWER))


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
    reach = np.ones(frames_of(_RINGS_S) // BLOCK_FRAMES)
    powers = _powers(played, BLOCK_FRAMES)
    heard = np.convolve(powers > 10 ** (_AUDIBLE_DBFS / 10), reach)[: len(powers)] > 0
    return np.pad(np.repeat(heard, BLOCK_FRAMES), (0, len(played) - len(powers) * BLOCK_FRAMES))
