"""Raw PCM bytes ↔ samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples


# (frames, channels), full scale ±1.
Frames = NDArray[np.float32]
# 1-D, full scale ±1.
Mono = NDArray[np.float32]

WIDTHS = (1, 2, 3, 4)
INT16_FULL_SCALE = 32768.0
_BYTES_24_BIT = 3


def decode(data: bytes, width: int, channels: int) -> Frames:
    """Read little-endian PCM of `width` bytes a sample (one byte: unsigned, as in WAV files and arecord).

    An unfinished frame at the end is left out.
    """
    data = data[: len(data) - len(data) % (width * channels)]
    flat: Mono
    if width == 1:
        flat = np.frombuffer(data, np.uint8).astype(np.float32) / np.float32(128) - np.float32(1)
    elif width == _BYTES_24_BIT:
        padded = np.zeros((len(data) // width, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, width)
        flat = padded.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
    else:
        full_scale = np.float32(2 ** (8 * width - 1))
        flat = np.frombuffer(data, f"<i{width}").astype(np.float32) / full_scale
    return flat.reshape(-1, channels)


def encode(samples: Samples, width: int, channels: int) -> bytes:
    """Write mono samples as little-endian PCM of `width` bytes a sample, the same in every channel."""
    if width == 1:
        wide = ((samples >> 8) + 128).astype(np.uint8)
        raw = wide[:, None].view(np.uint8)
    else:
        raw = (samples.astype("<i4") << 16).view(np.uint8).reshape(-1, 4)[:, 4 - width :]
    return np.repeat(raw[:, None, :], channels, axis=1).tobytes()


def mix_down(frames: Frames) -> Mono:
    """Average the channels."""
    mono: Mono = frames.mean(axis=1, dtype=np.float32)
    return mono


def to_int16(samples: Mono) -> Samples:
    """Round full scale ±1 to samples; what is beyond clips."""
    scaled = np.rint(samples * np.float32(INT16_FULL_SCALE))
    clipped: Samples = np.clip(scaled, -INT16_FULL_SCALE, INT16_FULL_SCALE - 1).astype(np.int16)
    return clipped


def gain_of(level_db: float) -> float:
    """Give the factor of an amplitude in dB."""
    return float(10.0 ** (level_db / 20))


def scalar(value: float) -> NDArray[np.float32]:
    """Return a number as an array without dimensions.

    Of any other number NumPy makes one each time, which takes nearly as long as to multiply a spectrum by it.
    """
    return np.array(value, np.float32)


def total(values: NDArray[np.float32]) -> float:
    """Return the sum of up to 321 values; a dot product takes half the time of a sum of so few."""
    return float(values.dot(_ONES[: len(values)]))


_ONES = np.ones(321, np.float32)
