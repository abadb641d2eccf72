"""What every echo canceller behind the seam does, one with frames of its own length among them."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.aec.base import BLOCK_SAMPLES, Identity
from interject.satellite.aec.engines import CancellerMissingError, WebRtcCanceller
from interject.satellite.aec.level_guard import LevelEchoGuard
from interject.satellite.audio.pcm import to_int16
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.frontend.vad import WINDOW_SAMPLES, SileroVad
from tests.satellite.aec.acoustics import THEIRS, Signal, level_db, room, talk, through
from tests.satellite.frontend.speech import RATE_HZ, white_noise

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.satellite.aec.base import EchoCanceller
    from interject.satellite.frontend.frontend import Window

RESPONSE = room(60)
AEC3_PACKAGE = "pywebrtc_audio"
# The guard looks back over 360 ms of what was played, and the longest way to the microphone takes 300 of them.
MOST_LATE = round(0.05 * RATE_HZ)
HOP = 256
# What a filter bank delays high notes more or less than low ones: 1 ms.
FILTER_BANK = RATE_HZ // 1000
# The engine's own lateness, and as much again until a hop is full.
HOPS_LATE = 2 * HOP
VOICED = 0.5


class HopEngine:
    """Has the interface of a neural canceller: takes 256 samples of both signals, answers one hop later.

    It knows the room, where such a model would have learnt what echoes are.
    """

    def __init__(self, response: Signal) -> None:
        self._response = response
        self._played = np.zeros(len(response) - 1 + HOP, np.float32)
        self._answer = np.zeros(HOP, np.float32)

    def process(self, mic: Signal, played: Signal) -> Signal:
        assert mic.shape == played.shape == (HOP,)
        self._played = np.concatenate([self._played[HOP:], played])
        answer, self._answer = self._answer, mic - np.convolve(self._played, self._response, "valid")
        return answer


class InHops:
    """Puts such an engine behind the seam, whatever the length of its blocks; late by one hop more."""

    def __init__(self, engine: HopEngine) -> None:
        self._engine = engine
        self._mic = self._played = np.zeros(0, np.float32)
        self._ready = np.zeros(HOP, np.float32)

    def process(self, mic_20ms: Signal, played_20ms: Signal) -> Signal:
        self._mic = np.concatenate([self._mic, mic_20ms])
        self._played = np.concatenate([self._played, played_20ms])
        while len(self._mic) >= HOP:
            answer = self._engine.process(self._mic[:HOP], self._played[:HOP])
            self._ready = np.concatenate([self._ready, answer])
            self._mic, self._played = self._mic[HOP:], self._played[HOP:]
        given, self._ready = self._ready[: len(mic_20ms)], self._ready[len(mic_20ms) :]
        return given


def in_hops() -> EchoCanceller:
    return InHops(HopEngine(RESPONSE))


@dataclass(frozen=True, slots=True)
class Case:
    """A canceller: how it is made, and by how much it lowers our own voice."""

    name: str
    make: Callable[[], EchoCanceller]
    least_erle_db: float


CASES = (
    Case("none", Identity, 0.0),
    Case("aec3", WebRtcCanceller, 10.0),
    Case("hops", in_hops, 40.0),
)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    chosen: Case = request.param
    if chosen.make is WebRtcCanceller and importlib.util.find_spec(AEC3_PACKAGE) is None:
        pytest.skip(f"{AEC3_PACKAGE} is not installed")
    return chosen


def cancel(canceller: EchoCanceller, mic: Signal, played: Signal, block: int = BLOCK_SAMPLES) -> Signal:
    answers = []
    for at in range(0, len(mic) - block + 1, block):
        part = slice(at, at + block)
        answer = canceller.process(mic[part], played[part])
        assert answer.shape == (block,)
        assert answer.dtype == np.float32
        answers.append(answer)
    return np.concatenate(answers)


def user(seconds: float, level_dbfs: float = -26.0) -> Signal:
    return talk(seconds, THEIRS, level_dbfs, seed=5)


def lag_of(heard: Signal, said: Signal) -> int:
    """Return by how many samples something is heard later than it was said."""
    size = 1 << (len(heard) + len(said)).bit_length()
    alike = np.fft.irfft(np.fft.rfft(heard, size) * np.fft.rfft(said, size).conj(), size)
    return int(np.argmax(alike[:RATE_HZ]))


def test_who_speaks_while_nothing_plays_comes_out_late_by_a_constant(case: Case) -> None:
    said = user(12.0)
    heard = cancel(case.make(), said, np.zeros_like(said))
    late = lag_of(heard, said)
    assert late <= MOST_LATE
    for at in range(0, 12 * RATE_HZ, 3 * RATE_HZ):
        part = slice(at, at + 3 * RATE_HZ)
        assert lag_of(heard[part], said[part]) == pytest.approx(late, abs=FILTER_BANK)
    assert np.corrcoef(heard[late:], said[: len(heard) - late])[0, 1] > 0.7
    assert level_db(heard, 1.0, 12.0) == pytest.approx(level_db(said, 1.0, 12.0), abs=1.0)


def test_our_own_voice_is_lowered(case: Case) -> None:
    played = talk(5.0)
    mic = through(RESPONSE, played)
    heard = cancel(case.make(), mic, played)
    assert level_db(heard, 3.0, 5.0) <= level_db(mic, 3.0, 5.0) - case.least_erle_db


def test_without_a_canceller_the_microphone_passes_unchanged() -> None:
    mic = white_noise(RATE_HZ, -20)
    assert np.array_equal(cancel(Identity(), mic, white_noise(RATE_HZ, -20, seed=2)), mic)


@pytest.mark.parametrize("block", [160, 320, 441])
def test_of_a_canceller_with_longer_frames_no_sample_is_lost_or_doubled(block: int) -> None:
    played = talk(6.0)
    said = user(6.0)
    heard = cancel(in_hops(), said + through(RESPONSE, played), played, block)
    assert not heard[:HOPS_LATE].any()
    assert heard[HOPS_LATE:] == pytest.approx(said[: len(heard) - HOPS_LATE], abs=1e-4)


def listen(canceller: EchoCanceller, mic: Signal, played: Signal) -> tuple[FrontEnd, list[Window]]:
    front_end = FrontEnd(RATE_HZ, HearingSettings(), SileroVad(), LevelEchoGuard(canceller))
    windows: list[Window] = []
    for at in range(0, len(mic) - 319, 320):
        part = slice(at, at + 320)
        windows += front_end.push(to_int16(mic[part]), to_int16(played[part]))
    return front_end, windows


def voiced(windows: list[Window]) -> list[int]:
    return [window.end_index for window in windows if window.probability >= VOICED and not window.is_echo]


def test_ring_and_windows_are_as_late_as_the_canceller_and_no_sample_more() -> None:
    said = user(6.0)
    _, plain = listen(Identity(), said, np.zeros_like(said))
    front_end, windows = listen(in_hops(), said, np.zeros_like(said))
    kept = front_end.ring.since(0)
    first = front_end.ring.end - len(kept)
    assert front_end.ring.end == len(said)
    assert np.array_equal(kept, to_int16(said)[first - HOPS_LATE : len(said) - HOPS_LATE])
    assert len(windows) == len(plain)
    assert voiced(windows)[0] - voiced(plain)[0] == pytest.approx(HOPS_LATE, abs=WINDOW_SAMPLES)


def test_a_user_is_heard_through_our_voice_with_a_canceller_that_is_late_and_we_are_not() -> None:
    played, begin = talk(10.0), 7 * RATE_HZ
    mic = through(RESPONSE, played) + white_noise(len(played), -62)
    mic[begin:] += user(3.0)
    _, windows = listen(in_hops(), mic, played)
    heard = voiced(windows)
    assert begin + HOPS_LATE < heard[0] < begin + RATE_HZ // 2
    assert len(heard) * WINDOW_SAMPLES > 0.3 * (len(played) - begin)


def test_a_missing_package_is_named() -> None:
    if importlib.util.find_spec(AEC3_PACKAGE) is not None:
        pytest.skip(f"{AEC3_PACKAGE} is installed")
    with pytest.raises(CancellerMissingError, match="pywebrtc-audio"):
        WebRtcCanceller()
