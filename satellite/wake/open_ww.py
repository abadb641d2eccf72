"""openWakeWord: larger models on a shared speech embedding, a probability each 80 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyopen_wakeword
from pyopen_wakeword import OpenWakeWord, OpenWakeWordFeatures

from interject.satellite.wake.base import phrase_of
from interject.satellite.wake.engine import LoadedWord
from interject.satellite.wake.tflite import Numbers, check_model, library_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interject.satellite.audio.base import Samples
    from interject.satellite.wake.models import Model

# 80 ms, the step of the embedding.
BLOCK_SAMPLES = 1280
_FEATURES = 96
# An embedding is made of 76 mel frames of 10 ms, ten blocks.
_MEL_BLOCKS = 10
# Models of this kind know no threshold of their own; their authors recommend this one.
DEFAULT_THRESHOLD = 0.5
# How long after the end of its word a model has risen, at least nine times in ten: tools/bench/wake.py
# measures it, and says why not always. P50 / P90 / P99 were 187 / 253 / 1091, 243 / 390 / 433, 117 / 170 / 244 and
# 412 / 709 / 869 ms; "hey mycroft" was heard too seldom to tell.
_END_LAG_S = {"alexa": 0.25, "hey_jarvis": 0.40, "hey_rhasspy": 0.18, "okay_nabu": 0.66}
# Of models that nobody has measured: nine times in ten over all of those.
USUAL_END_LAG_S = 0.40


class OpenEngine:
    """Several models on one feature extraction: 70 ms of CPU per second of audio on a PC, 1 ms more for each model."""

    block_samples = BLOCK_SAMPLES

    def __init__(self, models: Sequence[Model]) -> None:
        """Load; raises WakeModelError."""
        library = library_of(pyopen_wakeword)
        for model in models:
            check_model(model.path, library, _FEATURES, Numbers.FLOAT)
        self._features = OpenWakeWordFeatures.from_builtin()
        self._models = {model.name: OpenWakeWord.from_model(model.path) for model in models}
        self._lags = {model.name: _end_lag_s(model) for model in models}
        # The first call fills eight seconds with silence, which is better done before listening; what lies further back
        # than the longest window is never looked at, and would take half a second of CPU.
        blocks = _MEL_BLOCKS + max(model.input_windows for model in self._models.values())
        self._features.new_audio_samples = min(self._features.new_audio_samples, blocks * BLOCK_SAMPLES)
        for _ in self.process(np.zeros(BLOCK_SAMPLES, np.int16)):
            pass

    @property
    def words(self) -> tuple[LoadedWord, ...]:
        """What is known of the models."""
        return tuple(LoadedWord(name, phrase_of(name), DEFAULT_THRESHOLD, self._lags[name]) for name in self._models)

    def process(self, block: Samples) -> Iterator[tuple[str, float]]:
        """Yield the probability of each word as it is known; a block has 1280 samples."""
        for embedding in self._features.process_streaming(block.tobytes()):
            for name, model in self._models.items():
                for probability in model.process_streaming(embedding):
                    yield name, probability


def _end_lag_s(model: Model) -> float:
    return _END_LAG_S.get(model.name, USUAL_END_LAG_S) if model.built_in else USUAL_END_LAG_S
