"""Whisper as faster-whisper runs it, with a window that is as long as what is said needs.

Whisper was trained on windows of 30 s, and faster-whisper pads whatever is shorter, so that a "stop" costs the encoder
as much as half a minute. The encoder takes shorter windows as well. Imports faster-whisper, which takes a second.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import faster_whisper
import numpy as np
import numpy.typing as npt
from faster_whisper.tokenizer import _LANGUAGE_CODES
from faster_whisper.utils import available_models, download_model
from faster_whisper.vad import get_vad_model
from huggingface_hub.constants import ENDPOINT
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

from interject.servers.stt.errors import ModelError, ModelUnusableError
from interject.wire.likeness import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


LANGUAGES = tuple(sorted(_LANGUAGE_CODES))
# Frames of 10 ms; what they cost in words, and save, `script/bench whisper-window` counts.
_WINDOW_FRAMES = (700, 1000, 1500, 2000)
_ALL_FRAMES = 3000
# The decoder must see that nothing follows; shorter ones were not tried.
_MARGIN_FRAMES = 300


_WEIGHTS = "model.bin"
# A download that was broken off may have left some of these out.
_NEEDED = (_WEIGHTS, "config.json", "vocabulary.*")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
# What is wrong with the folder that is downloaded to, and no network mends.
_OF_THE_DISK = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.ENOTDIR})
_ELSEWHERE = "give --model the folder that it is in"


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


def folder_of(model: str, download_root: Path | None, other_names: Sequence[str]) -> str | None:
    """Return the folder of a model that is on this machine, None if it is to be downloaded; blocking.

    `other_names`: what else may be asked for. Raises ModelUnusableError for a name that nothing can have.
    """
    if Path(model).is_dir():
        if not (Path(model) / _WEIGHTS).is_file():
            raise ModelUnusableError(model, f"is a folder without a {_WEIGHTS}", _ELSEWHERE)
        return model
    sizes = available_models()
    if model not in sizes and not _HUB_ID.fullmatch(model):
        names = (*sizes, *other_names)
        reason = "is neither a size, nor an id of the model hub, nor a folder that there is"
        raise ModelUnusableError(model, reason, f"{did_you_mean(model, names)} sizes are {', '.join(names)}".strip())
    try:
        folder = download_model(model, local_files_only=True, cache_dir=_text(download_root))
    except LocalEntryNotFoundError:
        return None
    whole = all(any(Path(folder).glob(pattern)) for pattern in _NEEDED)
    return str(folder) if whole else None


def download(model: str, download_root: Path | None) -> str:
    """Get a model from the hub and return its folder; blocks as long as it takes.

    Raises ModelError while the hub is away, ModelUnusableError for what no waiting mends.
    """
    try:
        return str(download_model(model, cache_dir=_text(download_root)))
    except Exception as error:
        raise _explained(model, error) from error


def _explained(model: str, error: Exception) -> ModelError:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, RepositoryNotFoundError):
            return ModelUnusableError(model, f"is not at {ENDPOINT}", f"check --model, or {_ELSEWHERE}")
        if isinstance(cause, HfHubHTTPError) and cause.response.status_code in {401, 403}:
            return ModelUnusableError(model, f"needs an account at {ENDPOINT} ({first_line(cause)})", _ELSEWHERE)
        if isinstance(cause, OSError) and cause.errno in _OF_THE_DISK:
            where = cause.filename or "the folder for models"
            remedy = "give another one with --download-dir"
            return ModelUnusableError(model, f"cannot be kept in {where} ({cause.strerror})", remedy)
    by_system = (cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror)
    told = next(by_system, first_line(error))
    remedy = f"check that this machine reaches it, or {_ELSEWHERE}"
    return ModelError(model, f"cannot be downloaded from {ENDPOINT} ({told})", remedy)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
