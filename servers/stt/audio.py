"""Audio of any usual format made into what the engines take: 16 kHz, 16 bits, mono."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from interject.servers.stt.errors import AudioFormatError

RATE_HZ = 16_000
BYTES_PER_S = RATE_HZ * 2
# From telephone to studio equipment.
_MIN_RATE_HZ, _MAX_RATE_HZ = 8_000, 192_000
_MAX_CHANNELS = 16
_WIDTHS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Sample rate in Hz, sample width in bytes, and channels; raises AudioFormatError for what is not usual audio."""

    rate: int
    width: int
    channels: int

    def __post_init__(self) -> None:
        _check("rate", self.rate, _MIN_RATE_HZ, _MAX_RATE_HZ, "Hz")
        _check("width", self.width, _WIDTHS[0], _WIDTHS[-1], "bytes")
        _check("channels", self.channels, 1, _MAX_CHANNELS, "channels")


def _check(field: str, value: object, low: int, high: int, unit: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise AudioFormatError(field, value, f"{low} to {high} {unit}")


class Converter:
    """Converts one stream, chunk by chunk; bytes of a sample that a chunk cuts in two are kept for the next."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self.format = audio_format
        self._rest = b""
        self._resampler = (
            None
            if audio_format.rate == RATE_HZ
            else soxr.ResampleStream(audio_format.rate, RATE_HZ, num_channels=1, dtype="float32", quality="MQ")
        )

    def convert(self, raw: bytes) -> bytes:
        """Convert the next bytes; the resampler keeps some milliseconds back."""
        frame_bytes = self.format.width * self.format.channels
        raw = self._rest + raw
        whole = len(raw) - len(raw) % frame_bytes
        self._rest = raw[whole:]
        if (self.format.width, self.format.channels) == (2, 1) and self._resampler is None:
            return raw[:whole]
        return self._finish(raw[:whole], last=False)

    def flush(self) -> bytes:
        """Return what was kept back, at the end of the stream."""
        return b"" if self._resampler is None else self._finish(b"", last=True)

    def _finish(self, raw: bytes, *, last: bool) -> bytes:
        mono = _to_float(raw, self.format.width).reshape(-1, self.format.channels).mean(axis=1, dtype=np.float32)
        if self._resampler is not None:
            mono = self._resampler.resample_chunk(mono, last=last)
        pcm: bytes = (np.clip(mono, -1, 32767 / 32768) * 32768).astype("<i2").tobytes()
        return pcm


def _to_float(raw: bytes, width: int) -> npt.NDArray[np.float32]:
    """Little-endian samples as -1 … 1; one byte is unsigned, as in WAV files."""
    if width == 1:
        return (np.frombuffer(raw, dtype=np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
    if width == 3:  # noqa: PLR2004 - 24 bits have no numpy type: they become the upper bytes of 32
        wide = np.zeros((len(raw) // 3, 4), dtype=np.uint8)
        wide[:, 1:] = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 3)
        return wide.view("<i4").reshape(-1).astype(np.float32) / np.float32(2**31)
    dtype, scale = ("<i2", 2**15) if width == 2 else ("<i4", 2**31)  # noqa: PLR2004
    return np.frombuffer(raw, dtype=dtype).astype(np.float32) / np.float32(scale)
