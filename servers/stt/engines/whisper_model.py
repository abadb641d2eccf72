"""Whisper as faster-whisper runs it, with a window that is as long as what is said needs.

Whisper was trained on windows of 30 s, and faster-whisper pads whatever is shorter, so that a "stop" costs the encoder
as much as half a minute. The encoder takes shorter windows as well. Imports faster-whisper, which takes a second.
"""

from __future__ import annotations

from typing import Any

import faster_whisper
import numpy as np
import numpy.typing as npt
from faster_whisper.tokenizer import _LANGUAGE_CODES
from faster_whisper.vad import get_vad_model

LANGUAGES = tuple(sorted(_LANGUAGE_CODES))
# Frames of 10 ms; what they cost in words, and save, `script/bench whisper-window` counts.
_WINDOW_FRAMES = (700, 1000, 1500, 2000)
_ALL_FRAMES = 3000
# The decoder must see that nothing follows; shorter ones were not tried.
_MARGIN_FRAMES = 300


def window_frames(said_frames: int, least_frames: int) -> int | None:
    """Return how much the encoder is given of a window in which so much is said, or None for all of it."""
    enough_frames = max(least_frames, said_frames + _MARGIN_FRAMES)
    return next((frames for frames in _WINDOW_FRAMES if frames >= enough_frames), None)


class ShortWindowModel(faster_whisper.WhisperModel):  # type: ignore[misc]
    """A model that leaves out most of what faster-whisper pads.

    It transcribes one thing at a time: the segments of one are to be read before the next begins.
    """

    _least_frames = 0

    def try_out(self) -> None:
        """Compute once: that a library of CUDA is missing is noticed only then. Raises RuntimeError."""
        self.encode(np.zeros((self.model.n_mels, _ALL_FRAMES), np.float32))

    def transcribe(self, audio: npt.NDArray[np.float32], *, least_frames: int, **how: Any) -> Any:
        """Transcribe as faster-whisper does, with a window of so many frames of 10 ms at least."""
        self._least_frames = least_frames
        return super().transcribe(audio, **how)

    def encode(self, features: npt.NDArray[np.float32]) -> object:
        """Encode log-mel features, (mels, frames), the padding of which is 0; a frame of audio has other values."""
        said = np.flatnonzero(features.any(axis=0))
        said_frames = int(said[-1]) + 1 if said.size else 0
        frames = window_frames(said_frames, self._least_frames)
        if frames is None or not said_frames:
            return super().encode(features)
        window = features[:, :frames].copy()
        # Silence, as in the audio that Whisper was trained on. The 0 of faster-whisper is a hiss, and of single
        # words more came out wrong with it than in the whole window.
        window[:, said_frames:] = window[:, :said_frames].min()
        return super().encode(window)


def load_vad() -> Any:
    """Return the ONNX session of the VAD that faster-whisper ships."""
    return get_vad_model().session
