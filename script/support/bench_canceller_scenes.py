"""Rooms for the measurement of cancellers: a loudspeaker beside the microphone, a user across the room; seeded."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from satellite.devices.wav import read_wav

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Signal = NDArray[np.float32]

RATE_HZ = 16_000
SCENE_S = 24.0
ECHO_OVER_USER_DB = (0, 10, 20)
_CLIPS = Path(__file__).resolve().parents[2] / "tests" / "clips"
_USER_CLIPS = ("tell_me_a_long_story", "what_time_is_it", "stop", "turn_on_the_kitchen_light", "tell_me_a_story")
# A user at 2 to 3 m in front of a microphone with a usual gain.
_USER_DBFS = -30.0
_SNR_DB = (20.0, 30.0)
_DELAY_MS = (40.0, 150.0)
_RT60_S = (0.3, 0.5)
# A loudspeaker at 5 to 10 cm, and a user far beyond the critical distance.
_SPEAKER_DIRECT_DB, _USER_DIRECT_DB = (9.0, 15.0), (-6.0, 0.0)
# How far into its soft clipping the loudspeaker is driven at its loudest.
_DRIVE = (0.3, 0.9)
_FIRST_TALK_S, _TALK_EVERY_S = 6.0, 6.0
# Clips are trimmed to where they are this close to their loudest 10 ms: the onset that latency counts from.
_ONSET_DB = -25.0
_VOICES = ("kal16", "awb", "rms", "slt")
_REPLIES = (
    "The lighthouse at the end of the bay was built by three brothers, who carried every stone across the sand.",
    "Tomorrow will be mostly cloudy, with a light breeze from the west and a high of seventeen degrees.",
    "I have set a timer for twenty five minutes. Would you like me to remind you five minutes before it ends?",
    "Here is how to make the dough: mix flour, water, yeast and a little salt, and let it rest until it has doubled.",
    "In the next room you will find the oldest painting of the house, a view of the harbour on a winter morning.",
    "Your first meeting is at half past nine with the planning group, and after lunch nothing else is on the calendar.",
)


@dataclass(frozen=True, slots=True)
class Talk:
    """The user speaks from one second to another."""

    start_s: float
    stop_s: float


@dataclass(frozen=True, slots=True)
class Scene:
    """What is played, what the microphone hears of it (`echo`), of the user and of noise; and when the user speaks."""

    echo_over_user_db: int
    played: Signal
    echo: Signal
    user: Signal
    noise: Signal
    talks: tuple[Talk, ...]


def replies(seed: int) -> list[Signal]:
    """Speak the replies in flite's voices; the repository's clips where flite is not installed."""
    try:
        spoken = [_flite(text, voice) for text in _REPLIES for voice in _VOICES]
    except FileNotFoundError:
        spoken = [_load(path) for path in sorted(_CLIPS.glob("*.wav"))]
    order = np.random.default_rng(seed).permutation(len(spoken))
    return [spoken[at] for at in order]


def users(folder: Path | None) -> list[Signal]:
    """Return what users say, trimmed: of a folder of WAVs with manifest.json, else of the repository's clips."""
    if folder is None:
        return [_trimmed(_load(_CLIPS / f"{name}.wav")) for name in _USER_CLIPS]
    entries = json.loads((folder / "manifest.json").read_text())
    return [_trimmed(_load(folder / entry["file"])) for entry in entries if entry["kind"] != "non-speech"]


def scenes(
    seeds: Sequence[int], ours: Sequence[Signal], theirs: Sequence[Signal], drift_ppm: float = 0.0
) -> Iterator[Scene]:
    """Make a scene of each seed, the levels of the echo in turn."""
    for seed in seeds:
        yield _scene(seed, ECHO_OVER_USER_DB[seed % len(ECHO_OVER_USER_DB)], ours, theirs, drift_ppm)


def _scene(seed: int, over_db: int, ours: Sequence[Signal], theirs: Sequence[Signal], drift_ppm: float) -> Scene:
    random = np.random.default_rng(seed)
    size = round(SCENE_S * RATE_HZ)
    played = _levelled(_reply(random, ours, size), -22.0)
    rt60_s = random.uniform(*_RT60_S)
    drive = random.uniform(*_DRIVE) / float(np.abs(played).max())
    path = _response(random, random.uniform(*_DELAY_MS), rt60_s, random.uniform(*_SPEAKER_DIRECT_DB))
    echo = _levelled(_through(path, np.tanh(drive * played)), _USER_DBFS + over_db)
    if drift_ppm:
        echo = np.interp(np.arange(size) * (1 - drift_ppm * 1e-6), np.arange(size), echo).astype(np.float32)
    user = np.zeros(size, np.float32)
    talks: list[Talk] = []
    for start_s in np.arange(_FIRST_TALK_S, SCENE_S - 4.0, _TALK_EVERY_S):
        at = round((start_s + random.uniform(0, 1)) * RATE_HZ)
        said = _levelled(theirs[int(random.integers(len(theirs)))], _USER_DBFS)[: size - at]
        user[at : at + len(said)] = said
        talks.append(Talk(at / RATE_HZ, (at + len(said)) / RATE_HZ))
    place = _response(random, 8.0, rt60_s, random.uniform(*_USER_DIRECT_DB))
    # The way through the room neither delays the truth nor makes the user louder.
    user = np.roll(_through(place, user), -128) / np.float32(np.sqrt(np.sum(place**2)))
    noise = random.standard_normal(size).astype(np.float32)
    noise = _levelled(_through(np.array([1, 0.7, 0.5, 0.3], np.float32), noise), _USER_DBFS - random.uniform(*_SNR_DB))
    return Scene(over_db, played, echo, user, noise, tuple(talks))


def _reply(random: np.random.Generator, ours: Sequence[Signal], size: int) -> Signal:
    parts: list[Signal] = [np.zeros(4_000, np.float32)]
    while sum(map(len, parts)) < size:
        parts += [
            _levelled(ours[int(random.integers(len(ours)))], -20),
            np.zeros(random.integers(1_500, 6_000), np.float32),
        ]
    return np.concatenate(parts)[:size]


def _response(random: np.random.Generator, delay_ms: float, rt60_s: float, direct_db: float) -> Signal:
    delay = round(delay_ms * RATE_HZ / 1000)
    times_s = np.arange(round(rt60_s * RATE_HZ)) / RATE_HZ
    tail = random.standard_normal(len(times_s)) * 10 ** (-3 * times_s / rt60_s)
    tail[: round(0.001 * RATE_HZ)] = 0
    response = np.zeros(delay + len(tail), np.float32)
    response[delay:] = tail / np.sqrt(np.sum(tail**2)) * 10 ** (-direct_db / 20)
    response[delay] += 1
    return response


def _through(response: Signal, signal: Signal) -> Signal:
    size = 1 << (len(signal) + len(response)).bit_length()
    heard = np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(response, size), size)[: len(signal)]
    return heard.astype(np.float32, copy=False)


def _levelled(signal: Signal, level_dbfs: float) -> Signal:
    return signal * np.float32(10 ** (level_dbfs / 20) / np.sqrt(np.mean(np.square(signal))))


def _trimmed(signal: Signal) -> Signal:
    frames = signal[: len(signal) // 160 * 160].reshape(-1, 160)
    levels = np.mean(np.square(frames), 1)
    loud = np.flatnonzero(levels > levels.max() * 10 ** (_ONSET_DB / 10))
    return signal[loud[0] * 160 : (loud[-1] + 1) * 160]


def _load(path: Path) -> Signal:
    return np.multiply(read_wav(path, RATE_HZ), np.float32(1 / 32768), dtype=np.float32)


def _flite(text: str, voice: str) -> Signal:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        command = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - words of our own
        return _load(path)
