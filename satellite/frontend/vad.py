"""Is somebody speaking? Silero VAD, as an ONNX model without its Python package."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import onnxruntime

from interject.satellite.errors import VadModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.aec.base import Cancelled


# What the model was trained on: other window lengths are not accepted.
RATE_HZ = 16_000
WINDOW_SAMPLES = 512
# The package silero-vad declares torch and CUDA, some gigabytes, which its model does not need: so the file is here,
# with its licence beside it. Of that package's models this one says the same as the default one, in two thirds of the
# time and half of the space (tests/satellite/frontend/test_vad.py holds it against that one).
MODEL_PATH = Path(__file__).with_name("models") / "silero_vad_16k_op15.onnx"
# Samples of the window before, put in front of each window (as the model's authors' own wrapper does).
CONTEXT_SAMPLES = 64
_STATE_SHAPE = (2, 1, 128)
_NO_SPEECH = 0.1
# A second without speech; a pause between two sentences is shorter.
_REST_AFTER_WINDOWS = 32
# A window so little louder than the steady noise (2 dB) holds no voice that Silero could hear: one that is 3 dB softer
# than the noise adds as much. White noise varies by 0.3 dB from window to window.
_STEADY = 10 ** (2 / 10)
# The noise is followed upwards by 3 dB a second, so that a sentence hardly lifts it, and down within some 150 ms.
_NOISE_RISE = 10 ** (3 * WINDOW_SAMPLES / RATE_HZ / 10)
_NOISE_FALL = 0.2
# Below -75 dBFS there is no voice, and what noise suppression leaves of a quiet room comes in single bits.
_LEAST_NOISE = 10 ** (-75 / 10) * WINDOW_SAMPLES
# ONNX Runtime's own messages: errors only, its warnings about the model's graph tell a user nothing.
_LOG_ERRORS = 3


# Silero depends on level, and misses single words that arrive quietly. Of 24 added to real echo (script/bench real
# --voices 1, commit 305acad with other levels) 12 are paused for without a gain, 13, 15 and 16 at -35, -30 and -25
# dBFS; of side talk in the room (script/bench room --equipment linear --kind side-talk --scenes 12) 74 % is ignored
# without, 69, 69 and 57 %.
_LOUDEST_DBFS = -30.0
# A pause between two words does not change the level, the next speaker's distance does.
_FALL_DB_PER_S = 3.0
# Before anything was heard: a gain that suits a voice of -45 dBFS, as quiet microphones give.
_FIRST_DBFS = -45.0
# Far below the last bit of 16-bit audio: the logarithm of digital silence.
_SILENCE = 1e-12


class VoiceDetector(Protocol):
    """A voice activity detector with a memory of what it was given before."""

    def process(self, window: NDArray[np.float32]) -> float:
        """Return the probability of speech, 0 to 1, in the next 512 samples (16 kHz, -1 to 1)."""

    def skip(self, window: NDArray[np.float32]) -> None:
        """Take the next 512 samples, in which nobody speaks."""


class Rest:
    """Tells when a detector need not be asked: in steady noise, in which nobody has spoken for a while.

    That is most of the day, and nothing else costs as much in a quiet room.
    """

    def __init__(self) -> None:
        self._quiet_windows = 0
        # The energy of a window of steady noise.
        self._noise = math.inf

    def may_skip(self, window: NDArray[np.float32]) -> bool:
        """Take the next window; tell whether it may be skipped. If it is not, `judged` must be told of it."""
        energy = float(window.dot(window))
        is_steady = energy <= _STEADY * max(self._noise, _LEAST_NOISE)
        if energy < self._noise:
            self._noise = energy if math.isinf(self._noise) else self._noise + _NOISE_FALL * (energy - self._noise)
        else:
            self._noise = min(energy, self._noise * _NOISE_RISE)
        if not is_steady:
            self._quiet_windows = 0
        return self._quiet_windows >= _REST_AFTER_WINDOWS

    def judged(self, probability: float) -> None:
        """Take note of the probability of speech in a window that was not skipped."""
        self._quiet_windows = self._quiet_windows + 1 if probability < _NO_SPEECH else 0


@dataclass(frozen=True, slots=True)
class Memory:
    """After how many windows without speech the model's memory is made anew (None: never), from how many heard last.

    The memory goes astray in what a canceller leaves of minutes of echo: users across the room are not heard
    any more. One that is made from nothing is deaf for a moment (docs/tuning.md), and each
    window that is heard again costs as much as a new one.
    """

    astray_windows: int | None = 64
    reheard_windows: int = 8


DEFAULT_MEMORY = Memory()


class SileroVad:
    """Silero VAD v6 on one thread: about 0.12 ms a window on a PC. Raises VadModelError when its file does not load."""

    def __init__(self, model_path: Path = MODEL_PATH, memory: Memory = DEFAULT_MEMORY) -> None:
        if not model_path.is_file():
            raise VadModelError(str(model_path), "does not exist")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = _LOG_ERRORS
        try:
            self._session = onnxruntime.InferenceSession(str(model_path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            # ONNX Runtime raises a dozen unrelated exception classes for a file that is no model.
            raise VadModelError(str(model_path), f"does not load ({error})") from error
        self._samples = np.zeros((1, CONTEXT_SAMPLES + WINDOW_SAMPLES), np.float32)
        self._state = np.zeros(_STATE_SHAPE, np.float32)
        self._rate_hz = np.array(RATE_HZ, np.int64)
        self._recent: deque[NDArray[np.float32]] = deque(maxlen=memory.reheard_windows)
        self._astray_windows = memory.astray_windows
        self._quiet_windows = 0
        # Windows were skipped since the last one that was judged.
        self._is_behind = False

    def process(self, window: NDArray[np.float32]) -> float:
        """Return the probability of speech in the next window; ValueError unless it is 512 samples long."""
        if window.shape != (WINDOW_SAMPLES,):
            raise ValueError(f"a window has {WINDOW_SAMPLES} samples, not {window.shape}")
        if self._is_behind:
            self._rehear()
        probability = self._judge(window)
        self._recent.append(window.copy())
        self._quiet_windows = self._quiet_windows + 1 if probability < _NO_SPEECH else 0
        if self._quiet_windows == self._astray_windows:
            self._rehear()
        return probability

    def skip(self, window: NDArray[np.float32]) -> None:
        """Take the next window without judging it: the memory is made from the last ones when that is over."""
        self._recent.append(window.copy())
        self._is_behind = True

    def _rehear(self) -> None:
        """Make the memory anew from what was heard last."""
        self._quiet_windows = 0
        self._is_behind = False
        self._samples[:] = 0
        self._state = np.zeros(_STATE_SHAPE, np.float32)
        for window in self._recent:
            self._judge(window)

    def _judge(self, window: NDArray[np.float32]) -> float:
        self._samples[0, :CONTEXT_SAMPLES] = self._samples[0, -CONTEXT_SAMPLES:]
        self._samples[0, CONTEXT_SAMPLES:] = window
        inputs = {"input": self._samples, "state": self._state, "sr": self._rate_hz}
        probability, self._state = self._session.run(None, inputs)
        return float(probability[0, 0])


class VadGain:
    """An automatic gain of 0 to `most_db` that follows the loudest that was heard lately: down at once, up slowly."""

    def __init__(self, most_db: float) -> None:
        self._most_db = most_db
        self._loudest_dbfs = _FIRST_DBFS
        self.db = 0.0

    def process(self, cancelled: Cancelled) -> NDArray[np.float32]:
        """Return the next 320 samples for the detector (16 kHz, -1 to 1) at the gain that `db` tells.

        It follows what was kept, of which nothing was suppressed: by what a suppressor leaves of the echo the room
        would be taken for quiet. There is none while nothing of ours is to be heard: then speech behind the user, a
        television too, would be as loud as the user's.
        """
        heard = cancelled.kept
        heard_dbfs = 10 * math.log10(float(heard.dot(heard)) / len(heard) + _SILENCE)
        self._loudest_dbfs = max(heard_dbfs, self._loudest_dbfs - _FALL_DB_PER_S * len(heard) / RATE_HZ)
        wanted_db = min(max(_LOUDEST_DBFS - self._loudest_dbfs, 0.0), self._most_db)
        self.db = wanted_db if cancelled.may_amplify else 0.0
        return cancelled.for_vad * np.float32(10 ** (self.db / 20)) if self.db else cancelled.for_vad
