"""microWakeWord: small streaming models, a probability each 30 ms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pymicro_wakeword
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures

from interject.satellite.wake.base import WakeModelError, phrase_of
from interject.satellite.wake.engine import LoadedWord
from interject.satellite.wake.tflite import Numbers, check_model, library_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from interject.satellite.audio.base import Samples
    from interject.satellite.wake.models import Model

# 10 ms, the step of the features; models that want another step are not for this engine.
BLOCK_SAMPLES = 160
_STEP_MS = 10
_FEATURES = 40
# How long after the end of its word a model has risen, at least nine times in ten: tools/bench/wake.py
# measures it, and says why not always. P50 / P90 / P99 were 187 / 233 / 305, 65 / 128 / 184, -178 / -39 / 25 (it knows
# its word before the end) and 31 / 75 / 200 ms.
_END_LAG_S = {"alexa": 0.24, "hey_jarvis": 0.13, "hey_mycroft": -0.04, "okay_nabu": 0.11}
# Of models that nobody has measured: nine times in ten over all of those.
_USUAL_END_LAG_S = 0.18


class MicroEngine:
    """Several models on one feature extraction: 1 ms of CPU per second of audio, and 1.5 ms for each model, on a PC."""

    block_samples = BLOCK_SAMPLES

    def __init__(self, models: Sequence[Model]) -> None:
        """Load; raises WakeModelError."""
        self._features = MicroWakeWordFeatures()
        self._models = {model.name: _load(model.path) for model in models}
        self._lags = {model.name: _end_lag_s(model) for model in models}
        self._seen = 0

    @property
    def words(self) -> tuple[LoadedWord, ...]:
        """What is known of the models."""
        return tuple(
            LoadedWord(name, model.wake_word, model.probability_cutoff, self._lags[name])
            for name, model in self._models.items()
        )

    def process(self, block: Samples) -> Iterator[tuple[str, float]]:
        """Yield the probability of each word as it is known; a block has 160 samples."""
        for features in self._features.process_streaming(block.tobytes()):
            self._seen += 1
            for name, model in self._models.items():
                probability = model.process_streaming_prob(features)
                # Between its strides a model has nothing new to say, and says 0.
                if probability is not None and self._seen % model.stride == 0:
                    yield name, probability


def _end_lag_s(model: Model) -> float:
    return _END_LAG_S.get(model.name, _USUAL_END_LAG_S) if model.built_in else _USUAL_END_LAG_S


def _load(path: Path) -> MicroWakeWord:
    config = _read(path)
    check_model(path.parent / config["model"], library_of(pymicro_wakeword), _FEATURES, Numbers.QUANTIZED)
    try:
        return MicroWakeWord(
            path.stem,
            wake_word=config["wake_word"],
            tflite_model=path.parent / config["model"],
            probability_cutoff=config["micro"]["probability_cutoff"],
            sliding_window_size=config["micro"]["sliding_window_size"],
            trained_languages=config.get("trained_languages", []),
            libtensorflowlite_c_path=library_of(pymicro_wakeword),
        )
    except ValueError as error:
        raise WakeModelError(path, f"cannot be run ({error})") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WakeModelError(path, f"cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise WakeModelError(path, f"is no JSON ({error})") from None
    _check(path, config)
    config.setdefault("wake_word", phrase_of(path.stem))
    return dict(config)


def _check(path: Path, config: Any) -> None:
    micro = config.get("micro") if isinstance(config, dict) else None
    if not isinstance(micro, dict) or not isinstance(config.get("model"), str):
        raise WakeModelError(path, 'describes no microWakeWord model: it has no "model" or no "micro"')
    window, cutoff = micro.get("sliding_window_size"), micro.get("probability_cutoff")
    if not isinstance(window, int) or window < 1 or not isinstance(cutoff, int | float):
        raise WakeModelError(path, 'needs numbers for "sliding_window_size" and "probability_cutoff"')
    if micro.get("feature_step_size", _STEP_MS) != _STEP_MS:
        raise WakeModelError(path, f"wants features each {micro['feature_step_size']} ms, not each {_STEP_MS}")
