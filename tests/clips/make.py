"""Makes the clips anew: `python -m tests.clips.make`, with Debian's `flite` installed (the tests do not need it)."""

from __future__ import annotations

import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float64]

RATE_HZ = 16_000
# Loud and clear of clipping, as a voice near the microphone.
PEAK_DB = -6.0
# Silence kept around the speech: enough for a decoder's first frames, not felt as a pause.
MARGIN_S = 0.1
# What lies this far below the peak counts as silence.
SILENCE_DB = -46.0
COUGH_S = 0.35
# Any number: the same cough each time.
COUGH_SEED = 7


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip: its file name, flite's voice, what it says, and the voice's stretch (1 is its own pace)."""

    name: str
    voice: str
    text: str
    stretch: float = 1.0


CLIPS = (
    Clip("what_time_is_it", "rms", "what time is it"),
    Clip("tell_me_a_long_story", "slt", "tell me a long story"),
    Clip("tell_me_a_story", "rms", "tell me a story"),
    Clip("about_a_lighthouse", "slt", "about a lighthouse", stretch=0.9),
    Clip("stop", "slt", "stop"),
    Clip("uh_huh", "slt", "uh huh", stretch=0.9),
    Clip("turn_on_the_kitchen_light", "slt", "turn on the kitchen light"),
    Clip("count_to_twenty", "slt", "count to twenty"),
    # Of flite's voices these are the ones that the wake word models are surest of.
    Clip("okay_nabu", "rms", "okay nabu"),
    Clip("okay_nabu_turn_on_the_light", "rms", "okay nabu turn on the light"),
    Clip("hey_jarvis", "rms", "hey jarvis"),
    Clip("hey_jarvis_turn_on_the_light", "slt", "hey jarvis turn on the light"),
)


def speak(clip: Clip) -> Samples:
    """Let flite say a clip; samples in -1 … 1."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.wav"
        stretch = f"duration_stretch={clip.stretch}"
        subprocess.run(["flite", "-voice", clip.voice, "--setf", stretch, "-t", clip.text, "-o", path], check=True)
        with wave.open(str(path), "rb") as file:
            assert file.getframerate() == RATE_HZ
            return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32768


def trim(samples: Samples) -> Samples:
    """Cut the silence at both ends down to MARGIN_S."""
    loud = np.flatnonzero(np.abs(samples) > np.abs(samples).max() * 10 ** (SILENCE_DB / 20))
    margin = int(MARGIN_S * RATE_HZ)
    body = samples[max(0, loud[0] - margin) : loud[-1] + margin]
    before = np.zeros(max(0, margin - loud[0]))
    after = np.zeros(max(0, loud[-1] + margin - len(samples)))
    return np.concatenate([before, body, after])


def cough() -> Samples:
    """A burst of noise with the sharp rise, the double hump and the throaty spectrum of a cough."""
    random = np.random.default_rng(COUGH_SEED)
    count = int(COUGH_S * RATE_HZ)
    spectrum = np.fft.rfft(random.standard_normal(count))
    hz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    shape = np.exp(-(((hz - 600) / 500) ** 2)) + 0.5 * np.exp(-(((hz - 1800) / 900) ** 2))
    noise = np.fft.irfft(spectrum * shape, count)
    t = np.arange(count) / RATE_HZ
    burst = np.minimum(t / 0.008, 1) * np.exp(-t / 0.05)
    second = np.where(t > 0.17, np.minimum((t - 0.17) / 0.02, 1) * np.exp(-(t - 0.17) / 0.06), 0)
    margin = np.zeros(int(MARGIN_S * RATE_HZ))
    return np.concatenate([margin, noise * (burst + 0.5 * second), margin])


def save(name: str, samples: Samples) -> None:
    """Write a clip beside this file, at PEAK_DB."""
    scaled = samples / np.abs(samples).max() * 10 ** (PEAK_DB / 20) * 32767
    with wave.open(str(Path(__file__).with_name(f"{name}.wav")), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(scaled.astype("<i2").tobytes())


if __name__ == "__main__":
    for each in CLIPS:
        save(each.name, trim(speak(each)))
    save("cough", cough())
