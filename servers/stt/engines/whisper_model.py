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

# Frames of 10 ms. With 5 and 7 s the beams begin to repeat the sentence; `script/bench whisper-window` counts words.
_WINDOW_FRAMES = (1000, 1500, 2000)
# The decoder must see that nothing follows.
_MARGIN_FRAMES = 100


def window_frames(said_frames: int) -> int | None:
    """Return how much the encoder is given of a window in which so much is said, or None for all of it."""
    return next((frames for frames in _WINDOW_FRAMES if frames >= said_frames + _MARGIN_FRAMES), None)


class ShortWindowModel(faster_whisper.WhisperModel):  # type: ignore[misc]
    """A model that leaves out what faster-whisper pads."""

    def encode(self, features: npt.NDArray[np.float32]) -> object:
        """Encode log-mel features, (mels, frames): whatever its loudness, a frame of audio has values other than 0."""
        said = np.flatnonzero(features.any(axis=0))
        return super().encode(features[:, : window_frames(int(said[-1]) + 1 if said.size else 0)])


def load_vad() -> Any:
    """Return the ONNX session of the VAD that faster-whisper ships."""
    return get_vad_model().session
