"""What the recorded loudspeaker tells when it is laid over the speech that was sent to it; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.int16]

# Short against the 20 ms in which a reply ducks, long enough for one period of the lowest voice.
GAIN_WINDOW_FRAMES = 80
GAIN_HOP_FRAMES = 16
# Below this RMS the reference is a pause, in which no gain can be told (-60 dBFS).
_QUIET_RMS = 33.0
# Of the energy of a stretch of the recording, so much must be explained by the reference: the rest is rounding.
_MATCH = 0.999
# Less sound than this fits too many places.
_LEAST_LOUD_FRAMES = 800
# One step of 16 bits is rounding.
_SILENCE_PEAK = 2


@dataclass(frozen=True, slots=True)
class Gains:
    """The gain of a recording against its reference; `frames` are the middles of the windows, in the recording."""

    frames: NDArray[np.int64]
    ratios: NDArray[np.float64]


def locate(recording: Samples, start: int, stop: int, reference: Samples) -> int | None:
    """Return the frame of `recording` at which the reference would have begun, judged by the frames [start, stop).

    None unless that stretch is, to rounding, a stretch of the reference at one gain.
    """
    stretch = recording[start:stop].astype(np.float64)
    if np.count_nonzero(np.abs(stretch) > _QUIET_RMS) < _LEAST_LOUD_FRAMES or len(reference) < len(stretch):
        return None
    known = reference.astype(np.float64)
    size = 1 << (len(known) + len(stretch) - 1).bit_length()
    spectrum = np.fft.rfft(known, size) * np.conj(np.fft.rfft(stretch, size))
    products = np.fft.irfft(spectrum, size)[: len(known) - len(stretch) + 1]
    sums = np.concatenate(([0.0], np.cumsum(known**2)))
    energies = sums[len(stretch) :] - sums[: len(sums) - len(stretch)]
    explained = np.where(energies > 0, products**2 / np.maximum(energies, 1.0), 0.0) / np.sum(stretch**2)
    best = int(np.argmax(explained))
    return start - best if explained[best] >= _MATCH else None


def gains(recording: Samples, origin: int, reference: Samples, start: int, stop: int) -> Gains:
    """Return the least-squares gain in windows of 5 ms, one a millisecond, where the reference sounds.

    `origin` is the frame of the recording at which the reference began.
    """
    begins = np.arange(start, stop - GAIN_WINDOW_FRAMES, GAIN_HOP_FRAMES)
    begins = begins[(begins >= origin) & (begins + GAIN_WINDOW_FRAMES <= origin + len(reference))]
    if not len(begins):
        return Gains(np.zeros(0, np.int64), np.zeros(0))
    windows = begins[:, None] + np.arange(GAIN_WINDOW_FRAMES)
    played, sent = recording[windows].astype(np.float64), reference[windows - origin].astype(np.float64)
    energy = np.sum(sent**2, axis=1)
    loud = energy >= GAIN_WINDOW_FRAMES * _QUIET_RMS**2
    ratios = np.sum(played * sent, axis=1)[loud] / energy[loud]
    return Gains(begins[loud] + GAIN_WINDOW_FRAMES // 2, ratios)


def first_below(measured: Gains, down_db: float) -> int | None:
    """Return the first frame at which the recording was at least so far down, None if it never was."""
    down = np.flatnonzero(measured.ratios <= 10 ** (-down_db / 20))
    return int(measured.frames[down[0]]) if len(down) else None


def silent(recording: Samples, start: int, stop: int) -> bool:
    """Tell whether there is no sound in the frames [start, stop)."""
    part = recording[start:stop].astype(np.int32)
    return not len(part) or int(np.abs(part).max()) <= _SILENCE_PEAK


def end_of_sound(recording: Samples, start: int, stop: int) -> int:
    """Return the frame after the last audible one of the frames [start, stop); `start` if there is none."""
    audible = np.flatnonzero(np.abs(recording[start:stop].astype(np.int32)) > _SILENCE_PEAK)
    return start + int(audible[-1]) + 1 if len(audible) else start
