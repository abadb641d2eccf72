"""The detector hears speech, and only speech."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from interject.satellite.audio.wav import read_wav
from interject.satellite.errors import VadModelError
from interject.satellite.frontend.vad import MODEL_PATH, WINDOW_SAMPLES, SileroVad
from tests.satellite.frontend.speech import RATE_HZ, clip, to_float, voices, white_noise
from tools.testing.patience import PATIENCE_S

if TYPE_CHECKING:
    from numpy.typing import NDArray


def probabilities(vad: SileroVad, signal: NDArray[np.float32]) -> NDArray[np.float64]:
    count = len(signal) // WINDOW_SAMPLES
    windows = signal[: count * WINDOW_SAMPLES].reshape(count, WINDOW_SAMPLES)
    return np.array([vad.process(window) for window in windows])


@pytest.mark.parametrize(
    "name", ["tell_me_a_long_story", "what_time_is_it", "count_to_twenty", "turn_on_the_kitchen_light", "stop"]
)
def test_it_hears_a_spoken_clip(name: str) -> None:
    heard = probabilities(SileroVad(), to_float(clip(name)))

    # 250 ms of speech is what an interruption needs.
    assert np.count_nonzero(heard >= 0.5) * WINDOW_SAMPLES / RATE_HZ >= 0.25


def test_it_hears_recorded_voices() -> None:
    for path in voices():
        heard = probabilities(SileroVad(), to_float(read_wav(path, RATE_HZ)))
        assert np.mean(heard >= 0.5) > 0.3, path.name


@pytest.mark.parametrize("level_dbfs", [-200.0, -60.0, -30.0])
def test_it_does_not_hear_silence_or_noise(level_dbfs: float) -> None:
    heard = probabilities(SileroVad(), white_noise(3 * RATE_HZ, level_dbfs))

    assert heard.max() < 0.5


def test_the_model_that_ships_is_the_one_that_its_notice_names() -> None:
    notice = MODEL_PATH.with_suffix(".txt").read_text(encoding="utf-8")
    shipped = MODEL_PATH.read_bytes()
    assert hashlib.sha256(shipped).hexdigest() in notice
    original = distribution("silero-vad").locate_file(f"silero_vad/data/{MODEL_PATH.name}")
    assert Path(str(original)).read_bytes() == shipped


def test_each_window_is_judged_with_the_64_samples_before_it() -> None:
    speech = to_float(clip("count_to_twenty"))
    model = distribution("silero-vad").locate_file("silero_vad/data/silero_vad.onnx")
    session = onnxruntime.InferenceSession(str(model))
    state = np.zeros((2, 1, 128), np.float32)
    padded = np.concatenate([np.zeros(64, np.float32), speech])
    expected = []
    for start in range(0, len(speech) - WINDOW_SAMPLES + 1, WINDOW_SAMPLES):
        samples = padded[np.newaxis, start : start + 64 + WINDOW_SAMPLES]
        probability, state = session.run(None, {"input": samples, "state": state, "sr": np.array(RATE_HZ, np.int64)})
        expected.append(float(probability[0, 0]))

    assert probabilities(SileroVad(), speech) == pytest.approx(np.array(expected), abs=1e-5)


def test_a_window_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="512"):
        SileroVad().process(np.zeros(480, np.float32))


def test_a_missing_model_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(VadModelError, match=r"nothing\.onnx does not exist.*install"):
        SileroVad(tmp_path / "nothing.onnx")


def test_a_broken_model_is_named_with_the_remedy(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")

    with pytest.raises(VadModelError, match=r"broken\.onnx does not load.*install"):
        SileroVad(broken)


def test_the_model_loads_without_torch_and_without_its_package() -> None:
    code = "import sys; from interject.satellite.frontend.vad import SileroVad; SileroVad(); print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S)

    assert not {"torch", "silero_vad"} & set(done.stdout.split())
