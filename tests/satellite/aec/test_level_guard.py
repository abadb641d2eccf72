"""Where the microphone hardly hears the loudspeaker, our own voice is not taken for the user's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.aec.level_guard import EchoGuard, LoudOnset
from interject.satellite.audio.wav import read_wav
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.frontend.vad import SileroVad
from tests.satellite.frontend.speech import white_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.frontend.frontend import Window

_RATE_HZ = 16_000
_CLIPS = Path(__file__).resolve().parents[2] / "clips"
# A quiet room, where the detector hears the most.
_NOISE_DBFS = -62.0
_DELAY = round(0.05 * _RATE_HZ)


def _clip(name: str) -> NDArray[np.float32]:
    return (read_wav(_CLIPS / f"{name}.wav", _RATE_HZ) / 32768).astype(np.float32)


def _quieter(signal: NDArray[np.float32], db: float) -> NDArray[np.float32]:
    return np.concatenate([np.zeros(_DELAY), signal[:-_DELAY] * 10 ** (db / 20)]).astype(np.float32)


def counts(window: Window) -> bool:
    return window.probability >= 0.5 and not window.is_echo


def _voiced(mic: NDArray[np.float32], played: NDArray[np.float32]) -> list[int]:
    """Return where (in samples) windows ended that count as speech."""
    front_end = FrontEnd(_RATE_HZ, HearingSettings(), SileroVad(), make_echo_control(CancellerKind.NONE))
    ends = []
    for start in range(0, len(mic) - 319, 320):
        block = slice(start, start + 320)
        heard, out = ((signal[block] * 32767).astype(np.int16) for signal in (mic, played))
        ends += [
            window.end_index
            for window in front_end.push(heard, out)
            if window.probability >= 0.5 and not window.is_echo
        ]
    return ends


@pytest.mark.parametrize("echo_db", [-30.0, -35.0, -40.0, -60.0])
def test_our_own_voice_does_not_count_from_the_first_word_on(echo_db: float) -> None:
    own = np.concatenate([np.zeros(_RATE_HZ, np.float32), *[_clip("tell_me_a_long_story")] * 4])
    mic = _quieter(own, echo_db) + white_noise(len(own), _NOISE_DBFS)
    assert len(_voiced(mic, own)) <= 1


@pytest.mark.parametrize("echo_db", [-30.0, -40.0])
def test_the_user_counts_while_we_speak(echo_db: float) -> None:
    own = np.concatenate([np.zeros(_RATE_HZ, np.float32), *[_clip("tell_me_a_long_story")] * 4])
    user = np.zeros_like(own)
    begins = 4 * _RATE_HZ
    said = _clip("what_time_is_it") * np.float32(0.5)
    user[begins : begins + len(said)] = said
    voiced = _voiced(user + _quieter(own, echo_db) + white_noise(len(own), _NOISE_DBFS), own)
    assert len(voiced) >= 10
    assert begins <= voiced[0] <= begins + 0.5 * _RATE_HZ


def test_without_playback_nothing_is_explained() -> None:
    guard = EchoGuard()
    assert not guard.is_echo(None)
    for _ in range(50):
        guard.push(np.full(320, 1e-4, np.float32), np.zeros(320, np.float32))
    assert not guard.is_echo(None)


def test_what_was_played_explains_an_echo_that_comes_late_and_no_longer() -> None:
    guard = EchoGuard()
    quiet, loud = np.full(320, 0.002, np.float32), np.full(320, 0.1, np.float32)
    for _ in range(10):
        guard.push(np.zeros(320, np.float32), loud)
    for _ in range(15):
        guard.push(quiet, np.zeros(320, np.float32))
    assert guard.is_echo(-30.0)
    assert not guard.is_echo(-60.0)
    for _ in range(5):
        guard.push(quiet, np.zeros(320, np.float32))
    assert not guard.is_echo(-30.0)


def test_a_user_counts_whose_headset_gave_nothing_until_then() -> None:
    onset = LoudOnset()
    voice, played = np.full(320, 0.02, np.float32), np.full(320, 0.1, np.float32)
    for _ in range(100):
        onset.push(np.zeros(320, np.float32), played)
        assert not onset.is_somebody()
    for _ in range(10):
        onset.push(voice, played)
    assert onset.is_somebody()


@pytest.mark.parametrize("before_dbfs", [-80.0, -45.0])
def test_a_faint_prelude_teaches_nothing_of_a_late_echo(before_dbfs: float) -> None:
    onset = LoudOnset()
    silence, faint = np.zeros(320, np.float32), np.full(320, 10 ** (before_dbfs / 20), np.float32)
    loud = np.full(320, 0.1, np.float32)
    for _ in range(100):
        onset.push(silence, faint)
    for _ in range(30):
        onset.push(silence, loud)
    for _ in range(60):
        onset.push(0.5 * loud, loud)
        assert not onset.is_somebody()
    for _ in range(3):
        onset.push(2 * loud, loud)
    assert onset.is_somebody()


def test_after_a_microphone_was_switched_off_our_own_voice_is_known_again_in_seconds() -> None:
    onset = LoudOnset()
    echo, played = np.full(320, 0.05, np.float32), np.full(320, 0.1, np.float32)
    for _ in range(100):
        onset.push(np.zeros(320, np.float32), played)
    for _ in range(600):
        onset.push(echo, played)
    assert not onset.is_somebody()
    for _ in range(3):
        onset.push(20 * echo, played)
    assert onset.is_somebody()
