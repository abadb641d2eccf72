"""The sounds that a person gives: any PCM WAV file at the device's rate, or told what is wrong with it."""

from __future__ import annotations

import asyncio
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.player import Player
from interject.satellite.audio.sounds import LONGEST_SIGNAL_S, Sounds, load_sound, load_sounds
from interject.satellite.settings import SatelliteSettings
from interject.wire.errors import SettingError
from interject.wire.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RATE_HZ = 16_000
PITCH_HZ = 440.0


def write_tone(path: Path, rate_hz: int = RATE_HZ, width: int = 2, channels: int = 1, seconds: float = 0.5) -> Path:
    """Write 440 Hz at half of full scale, the same in every channel."""
    tone = 0.5 * np.sin(2 * np.pi * PITCH_HZ * np.arange(round(rate_hz * seconds)) / rate_hz)
    whole = np.round(tone * (2 ** (8 * width - 1) - 1)).astype("<i8")
    if width == 1:
        whole += 128
    raw = np.repeat(whole.view(np.uint8).reshape(-1, 8)[:, None, :width], channels, axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(raw.tobytes())
    return path


@pytest.mark.parametrize("file_rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_pcm_file_sounds_the_same(file_rate_hz: int, width: int, channels: int, tmp_path: Path) -> None:
    path = write_tone(tmp_path / "tone.wav", file_rate_hz, width, channels)
    samples = load_sound("awake-wav", path, RATE_HZ, LONGEST_SIGNAL_S)

    assert samples.dtype == np.int16
    assert len(samples) == pytest.approx(RATE_HZ / 2, abs=2)
    middle = samples[2_000:6_000].astype(float)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * RATE_HZ / len(middle) == pytest.approx(PITCH_HZ, abs=5)
    assert np.abs(middle).max() == pytest.approx(32_767 / 2, rel=0.03)


def directory(path: Path) -> None:
    path.mkdir()


def text(path: Path) -> None:
    path.write_text("no sound at all")


def cut_off(path: Path) -> None:
    path.write_bytes(write_tone(path).read_bytes()[:30])


def floats(path: Path) -> None:
    data = bytearray(write_tone(path).read_bytes())
    data[20:22] = b"\3\0"
    path.write_bytes(data)


def empty(path: Path) -> None:
    write_tone(path, seconds=0)


def too_slow(path: Path) -> None:
    write_tone(path, rate_hz=100)


def too_long(path: Path) -> None:
    write_tone(path, seconds=LONGEST_SIGNAL_S + 1)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "cannot be read .No such file"),
        (directory, "cannot be read .Is a directory"),
        (text, "is no PCM WAV file .*; convert it, for example with: ffmpeg"),
        (cut_off, "is no PCM WAV file"),
        (floats, "is no PCM WAV file .unknown format: 3"),
        (empty, "has no audio in it"),
        (too_slow, "has 100 samples a second"),
        (too_long, "is 6 s long, and may have 5 s; choose a shorter one"),
    ],
)
async def test_a_file_that_cannot_be_played_is_told_with_its_flag_and_name(
    make: Callable[[Path], object], told: str, tmp_path: Path
) -> None:
    make(tmp_path / "bell.wav")
    with pytest.raises(SettingError, match=f"done-wav: .*bell.wav {told}"):
        await load_sounds(SatelliteSettings(done_wav=tmp_path / "bell.wav"), RATE_HZ)


def loaded(*flags: str) -> Sounds:
    settings = load(SatelliteSettings, prefix="satellite", argv=flags, environ={}, description="")
    return asyncio.run(load_sounds(settings, RATE_HZ))


def test_without_files_those_that_are_shipped_sound() -> None:
    sounds = loaded("--wake-word", "local")
    assert sounds.awake is not None
    assert sounds.done is not None
    assert len(sounds.awake) == len(sounds.done) == pytest.approx(0.14 * RATE_HZ, abs=2)
    assert len(sounds.ring) == pytest.approx(2 * RATE_HZ, abs=10)
    assert np.array_equal(sounds.ring_once, sounds.ring)


def test_where_any_speech_begins_a_turn_the_end_of_one_is_not_told() -> None:
    sounds = loaded("--wake-word", "none")
    assert sounds.awake is not None, "a button may begin one"
    assert sounds.done is None


@pytest.mark.parametrize("nothing", ["none", ""])
def test_each_sound_can_be_switched_off(nothing: str) -> None:
    flags = [part for name in ("awake", "done", "timer-finished") for part in (f"--{name}-wav", nothing)]
    sounds = loaded("--wake-word", "local", *flags)
    assert (sounds.awake, sounds.done, len(sounds.ring), len(sounds.ring_once)) == (None, None, 0, 0)
    assert len(sounds.error), "who is not told why nothing happens says it again"


async def test_each_sound_comes_from_its_own_file_and_a_ring_may_be_long(tmp_path: Path) -> None:
    settings = SatelliteSettings(
        awake_wav=write_tone(tmp_path / "awake.wav", seconds=0.25),
        done_wav=write_tone(tmp_path / "done.wav", seconds=0.5),
        timer_finished_wav=write_tone(tmp_path / "ring.wav", seconds=20),
    )
    sounds = await load_sounds(settings, 48_000)
    assert sounds.awake is not None
    assert sounds.done is not None
    assert [len(sound) / 48_000 for sound in (sounds.awake, sounds.done, sounds.ring)] == [0.25, 0.5, 20]


async def test_of_a_long_ring_a_moment_is_enough_and_can_be_a_cue(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "music.wav", seconds=20)
    once = (await load_sounds(SatelliteSettings(timer_finished_wav=path), RATE_HZ)).ring_once.astype(int)

    assert Player(RATE_HZ).cue(once.astype(np.int16))
    assert np.abs(once[-100:]).max() < 100
    assert np.abs(once[: 4 * RATE_HZ]).max() == pytest.approx(32_767 / 2, rel=0.03)
