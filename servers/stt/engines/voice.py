"""When an utterance has a voice in it, and when the voice has paused: by Silero VAD, which faster-whisper ships."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from interject.servers.stt.audio import BYTES_PER_S

# What Silero's model takes: windows of 32 ms, each with the end of the one before.
_WINDOW, _CONTEXT = 512, 64
_WINDOW_BYTES = 2 * _WINDOW
_WINDOW_S = _WINDOW_BYTES / BYTES_PER_S
# Silero's own: speech begins above the first and goes on above the second.
_SPEECH, _STILL_SPEECH = 0.5, 0.35
# Clicks and knocks are shorter than 100 ms, the vowel of a "stop" is longer.
_LEAST_WINDOWS = 3
# Some 130 ms: closures of a "t" or "p" take 100. The sooner, the more is decoded in vain: of 22 commands with pauses
# 52 times rather than 46 with two windows more, and each text is there 60 ms sooner.
_PAUSE_WINDOWS = 4

Samples = npt.NDArray[np.float32]


class Voice:
    """Follows the voice in one utterance."""

    def __init__(self, session: Any) -> None:
        """Take the ONNX session of the VAD, which utterances may share."""
        self._session = session
        self._pending = b""
        self._context: Samples = np.zeros(_CONTEXT, np.float32)
        self._state: tuple[Samples, Samples] = (np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32))
        self._windows = 0
        self._speech_windows = 0
        self._silent_windows = 0
        self.began_s: float | None = None
        """Where the voice began, None while there was none."""
        self.ended_s = 0.0
        """Where the last window with a voice ended."""

    @property
    def pauses(self) -> bool:
        """Whether somebody has spoken and it has been silent since for some 130 ms."""
        return self.began_s is not None and self._silent_windows >= _PAUSE_WINDOWS

    def hear(self, pcm: bytes) -> None:
        """Take more audio (16 kHz, 16 bits, mono); less than a window waits for the next."""
        self._pending += pcm
        whole = len(self._pending) // _WINDOW_BYTES * _WINDOW_BYTES
        samples = np.frombuffer(self._pending[:whole], dtype="<i2").astype(np.float32) / np.float32(32768)
        self._pending = self._pending[whole:]
        for window in samples.reshape(-1, _WINDOW):
            self._take(self._probability(window))

    def _probability(self, window: Samples) -> float:
        given = np.concatenate((self._context, window))[np.newaxis]
        self._context = window[-_CONTEXT:]
        found, *state = self._session.run(None, {"input": given, "h": self._state[0], "c": self._state[1]})
        self._state = (state[0], state[1])
        return float(found.item())

    def _take(self, probability: float) -> None:
        self._windows += 1
        self._silent_windows = 0 if probability >= _STILL_SPEECH else self._silent_windows + 1
        if probability < _SPEECH:
            self._speech_windows = 0 if self._silent_windows else self._speech_windows
            return
        self._speech_windows += 1
        self.ended_s = self._windows * _WINDOW_S
        if self.began_s is None and self._speech_windows >= _LEAST_WINDOWS:
            self.began_s = self.ended_s - self._speech_windows * _WINDOW_S
