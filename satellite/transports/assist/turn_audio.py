"""What the user said in this turn, kept until Home Assistant has answered it: any run can be begun anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.transports.direct.stt_stream import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_WIDTH = 2
# The longest turn that can be set (--listen-max-s), with the interruptions of a reply.
_MAX_S = 360
_MAX_BYTES = _MAX_S * RATE_HZ * _WIDTH
# Between two parts of a turn: more silence than this and Home Assistant's own VAD may take the turn for over.
_KEPT_SILENCE_MS = 200
_KEPT_SILENCE_BYTES = _KEPT_SILENCE_MS * RATE_HZ * _WIDTH // 1000
# What wyoming-satellite sends at a time.
_PIECE_BYTES = 1024 * _WIDTH
# Silence is looked for in pieces of this length: shorter than a syllable, longer than a period of a low voice.
_FRAME_SAMPLES = RATE_HZ // 50
# Below the loudest syllable by more than any part of a word that is still understood...
_SILENCE_RATIO = 0.03
# ... or not above what the room sounds like without a voice.
_NOISE_PERCENTILE = 10
_ABOVE_NOISE = 2.0


@dataclass(slots=True)
class _Stream:
    audio: bytearray = field(default_factory=bytearray)
    # Bytes of silence at its end, once it has ended.
    trailing_bytes: int = 0


class TurnAudio:
    """The audio of the streams by number, and how far the present run has got with it."""

    def __init__(self) -> None:
        self._streams: dict[int, _Stream] = {}
        self._run: tuple[int, ...] = ()
        self._sent: dict[int, int] = {}

    def open(self, stream: int) -> None:
        """Begin a stream."""
        self._streams[stream] = _Stream()

    def append(self, stream: int, audio: bytes) -> bool:
        """Keep more of a stream; False when the turn is longer than what is kept."""
        kept = self._streams.get(stream)
        if kept is None:
            return True
        if sum(len(other.audio) for other in self._streams.values()) + len(audio) > _MAX_BYTES:
            return False
        kept.audio += audio
        return True

    def end(self, stream: int) -> None:
        """Note that a stream is complete."""
        kept = self._streams.get(stream)
        if kept is not None:
            kept.trailing_bytes = silence_at_end(np.frombuffer(bytes(kept.audio), np.int16)) * _WIDTH

    def forget(self, streams: Iterable[int]) -> None:
        """Drop streams."""
        for stream in streams:
            self._streams.pop(stream, None)

    def begin(self, streams: tuple[int, ...]) -> None:
        """Let a run have these streams from their first sample on."""
        self._run = streams
        self._sent = {}

    def extend(self, streams: tuple[int, ...]) -> None:
        """Let the present run have further streams too."""
        self._run = streams

    def halt(self) -> None:
        """Let the present run have nothing more."""
        self._run = ()

    def unsent(self) -> list[bytes]:
        """Take what the present run has not got yet, in pieces."""
        pieces: list[bytes] = []
        for stream in self._run:
            kept = self._streams.get(stream)
            if kept is None:
                continue
            sent = self._sent.get(stream, 0)
            end = len(kept.audio)
            if stream != self._run[-1]:
                end -= max(0, kept.trailing_bytes - _KEPT_SILENCE_BYTES)
            pieces += [bytes(kept.audio[at : min(at + _PIECE_BYTES, end)]) for at in range(sent, end, _PIECE_BYTES)]
            self._sent[stream] = max(sent, end)
        return pieces


def silence_at_end(samples: NDArray[np.int16]) -> int:
    """Return how many samples after the last sound are only the room."""
    frames = samples[: len(samples) // _FRAME_SAMPLES * _FRAME_SAMPLES].reshape(-1, _FRAME_SAMPLES)
    if not len(frames):
        return 0
    levels = np.sqrt(np.mean(np.square(frames.astype(np.float64)), axis=1))
    noise = float(np.percentile(levels, _NOISE_PERCENTILE)) * _ABOVE_NOISE
    sounding = np.flatnonzero(levels > max(float(levels.max()) * _SILENCE_RATIO, noise))
    return len(samples) - (int(sounding[-1]) + 1) * _FRAME_SAMPLES if len(sounding) else 0
