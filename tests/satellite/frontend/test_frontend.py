"""The whole way from the device's blocks to speech and its probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soxr

from interject.satellite.aec.base import Identity
from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.aec.level_guard import LevelEchoGuard
from interject.satellite.audio.pcm import to_int16
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings, Window
from interject.satellite.frontend.vad import WINDOW_SAMPLES, SileroVad
from interject.wire.errors import SettingError
from tests.satellite.aec.acoustics import room, talk, through
from tests.satellite.frontend.speech import RATE_HZ, clip, to_float, white_noise
from tools.simulator.loudspeaker import Loudspeaker

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples

PLAIN = HearingSettings(vad_noise_suppression=0, vad_gain_db=0)


class Listener:
    """A detector that keeps what it is given."""

    def __init__(self) -> None:
        self.windows: list[NDArray[np.float32]] = []

    def process(self, window: NDArray[np.float32]) -> float:
        self.windows.append(window.copy())
        return 0.0

    def skip(self, window: NDArray[np.float32]) -> None:
        self.windows.append(window.copy())


class Subtract:
    """A canceller for a loudspeaker that the microphone hears at once and at full level."""

    def process(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> NDArray[np.float32]:
        return mic_20ms - played_20ms


def push(front_end: FrontEnd, mic: Samples, played: Samples, block: int) -> list[Window]:
    windows: list[Window] = []
    for at in range(0, len(mic), block):
        windows.extend(front_end.push(mic[at : at + block], played[at : at + block]))
    return windows


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100, 48_000])
def test_indices_stay_exact_over_a_minute(rate_hz: int) -> None:
    front_end = FrontEnd(rate_hz, PLAIN, Listener(), LevelEchoGuard(Identity()))
    seconds = 60
    mic = np.zeros(seconds * rate_hz, np.int16)
    click = round((seconds - 1.25) * rate_hz)
    mic[click : click + rate_hz // 4000] = 20_000

    push(front_end, mic, np.zeros_like(mic), rate_hz // 50)

    kept = front_end.ring.since(0)
    heard_at = front_end.ring.end - len(kept) + int(np.argmax(np.abs(kept.astype(int))))
    assert abs(heard_at - click * RATE_HZ // rate_hz) <= 2
    assert 0 <= seconds * RATE_HZ - front_end.ring.end < 0.05 * RATE_HZ


def test_what_comes_after_lost_frames_is_where_it_was_heard() -> None:
    front_end = FrontEnd(48_000, PLAIN, Listener(), LevelEchoGuard(Identity()))
    click = np.zeros(4_800, np.int16)
    click[2_400:2_412] = 20_000

    push(front_end, np.zeros(48_000, np.int16), np.zeros(48_000, np.int16), 960)
    front_end.lose(7_200)
    push(front_end, click, np.zeros_like(click), 960)

    kept = front_end.ring.since(0)
    heard_at = front_end.ring.end - len(kept) + int(np.argmax(np.abs(kept.astype(int))))
    assert abs(heard_at - (48_000 + 7_200 + 2_400) // 3) <= 2


@pytest.mark.parametrize("block", [160, 320, 441, 1024])
def test_at_16_khz_every_sample_arrives_once_in_the_ring_and_in_a_window(block: int) -> None:
    listener = Listener()
    front_end = FrontEnd(RATE_HZ, PLAIN, listener, LevelEchoGuard(Identity()))
    mic = np.arange(1, RATE_HZ + 1, dtype=np.int16)

    windows = push(front_end, mic, np.zeros_like(mic), block)

    assert np.array_equal(front_end.ring.since(0), mic[: front_end.ring.end])
    assert front_end.ring.end == RATE_HZ
    assert [window.end_index for window in windows] == list(range(WINDOW_SAMPLES, RATE_HZ + 1, WINDOW_SAMPLES))
    heard = np.concatenate(listener.windows)
    assert np.array_equal(heard, to_float(mic[: len(heard)]))


def test_the_canceller_gets_both_signals_in_step_and_its_result_is_what_is_kept() -> None:
    front_end = FrontEnd(48_000, PLAIN, Listener(), LevelEchoGuard(Subtract()))
    voice, played = clip("what_time_is_it", 48_000), clip("count_to_twenty", 48_000)
    count = min(len(voice), len(played))
    mic = to_int16(to_float(voice[:count]) * 0.5 + to_float(played[:count]) * 0.5)
    reference = to_int16(to_float(played[:count]) * 0.5)

    push(front_end, mic, reference, 960)

    kept = to_float(front_end.ring.since(0))
    expected = to_float(clip("what_time_is_it"))[: len(kept)] * 0.5
    inside = slice(0, len(kept) - 200)
    error = np.mean((kept[inside] - expected[inside]) ** 2) / np.mean(expected[inside] ** 2)
    assert 10 * np.log10(error) < -20


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_it_finds_a_spoken_clip_where_it_is(rate_hz: int) -> None:
    front_end = FrontEnd(rate_hz, HearingSettings(), SileroVad(), LevelEchoGuard(Identity()))
    voice = clip("tell_me_a_long_story", rate_hz)
    lead = 2 * rate_hz
    mic = np.concatenate([np.zeros(lead, np.int16), voice, np.zeros(lead, np.int16)])
    mic = to_int16(to_float(mic) + white_noise(len(mic), -65))

    windows = push(front_end, mic, np.zeros_like(mic), rate_hz // 50)

    speech = [window.end_index / RATE_HZ for window in windows if window.probability >= 0.5]
    voice_ends_s = 2 + len(voice) / rate_hz
    assert 2.0 < speech[0] < 2.5
    assert voice_ends_s - 0.6 < speech[-1] < voice_ends_s + 0.5


class Wakeful(SileroVad):
    """A detector that skips nothing."""

    def skip(self, window: NDArray[np.float32]) -> None:
        self.process(window)


class Counting(SileroVad):
    """A detector that knows how many windows it was spared."""

    skipped = 0

    def skip(self, window: NDArray[np.float32]) -> None:
        super().skip(window)
        self.skipped += 1


@pytest.mark.parametrize("name", ["what_time_is_it", "turn_on_the_kitchen_light", "stop"])
@pytest.mark.parametrize("noise_dbfs", [-200.0, -65.0, -45.0])
def test_after_a_minute_of_steady_noise_the_user_is_heard_as_soon_as_by_a_detector_that_heard_it_all(
    name: str, noise_dbfs: float
) -> None:
    voice = to_float(clip(name))
    voice *= np.float32(10 ** (-35 / 20) / np.sqrt(np.mean(voice**2)))
    mic = white_noise(60 * RATE_HZ + len(voice), noise_dbfs)
    mic[60 * RATE_HZ :] += voice
    spared = Counting()
    front_ends = (FrontEnd(RATE_HZ, HearingSettings(), vad, LevelEchoGuard(Identity())) for vad in (spared, Wakeful()))

    heard, expected = (
        [at for at, window in enumerate(windows) if window.probability >= 0.4]
        for windows in (push(each, to_int16(mic), np.zeros(len(mic), np.int16), 320) for each in front_ends)
    )

    assert spared.skipped > 0.5 * 60 * RATE_HZ / WINDOW_SAMPLES
    assert abs(heard[0] - expected[0]) <= 2
    assert len(heard) >= 0.8 * len(expected)


def test_it_tells_how_loud_the_loudspeaker_is_at_the_microphone() -> None:
    front_end = FrontEnd(48_000, PLAIN, Listener(), LevelEchoGuard(Identity()))
    played = np.resize(clip("about_a_lighthouse", 48_000), 6 * 48_000)
    mic = np.roll(played, 48 * 60) // 10

    assert front_end.echo.echo_db is None
    push(front_end, mic, played, 960)

    assert front_end.echo.echo_db == pytest.approx(-20, abs=2)


def test_what_is_kept_is_what_the_filter_leaves_and_the_detector_hears_less_of_us() -> None:
    listener = Listener()
    front_end = FrontEnd(RATE_HZ, PLAIN, listener, make_echo_control(CancellerKind.KALMAN))
    played = talk(6.0)
    bent = Loudspeaker(knee=0.1, asymmetry=0.2).saturated(played)
    mic = through(room(90), bent) + white_noise(len(played), -65)

    push(front_end, to_int16(mic), to_int16(played), 320)

    late = slice(-2 * RATE_HZ, -RATE_HZ)
    kept, heard = to_float(front_end.ring.since(0))[late], np.concatenate(listener.windows)[late]
    assert np.sum(kept**2) < 0.2 * np.sum(mic[late] ** 2)
    assert np.sum(heard**2) < 0.2 * np.sum(kept**2)


def test_suppression_for_the_detector_leaves_what_is_kept_alone() -> None:
    listener = Listener()
    front_end = FrontEnd(RATE_HZ, HearingSettings(vad_noise_suppression=4), listener, LevelEchoGuard(Identity()))
    mic = to_int16(white_noise(3 * RATE_HZ, -40))

    push(front_end, mic, np.zeros_like(mic), 320)

    assert np.array_equal(front_end.ring.since(0), mic)
    assert np.std(listener.windows[-1]) < 0.5 * np.std(to_float(mic))


@pytest.mark.parametrize("gain", [0.5, 4.0])
def test_a_gain_does_not_change_how_loud_the_user_is_beside_the_echo(gain: float) -> None:
    noise = to_int16(white_noise(RATE_HZ, -30))
    front_end = FrontEnd(RATE_HZ, HearingSettings(volume_multiplier=gain), Listener(), LevelEchoGuard(Identity()))
    plain = FrontEnd(RATE_HZ, HearingSettings(), Listener(), LevelEchoGuard(Identity()))

    last, expected = (push(each, noise, np.zeros_like(noise), 160)[-1] for each in (front_end, plain))

    assert last.level_db == pytest.approx(expected.level_db, abs=1)


def test_captured_and_played_must_be_of_one_length() -> None:
    front_end = FrontEnd(RATE_HZ, PLAIN, Listener(), LevelEchoGuard(Identity()))

    with pytest.raises(ValueError, match="320 captured and 160 played"):
        front_end.push(np.zeros(320, np.int16), np.zeros(160, np.int16))


def test_a_setting_out_of_range_is_named_when_it_is_made() -> None:
    with pytest.raises(SettingError, match="noise_suppression"):
        HearingSettings(noise_suppression=7)


def test_resampled_speech_is_as_good_as_resampling_it_whole() -> None:
    front_end = FrontEnd(48_000, PLAIN, Listener(), LevelEchoGuard(Identity()))
    voice = clip("turn_on_the_kitchen_light", 48_000)

    push(front_end, voice, np.zeros_like(voice), 960)

    kept = to_float(front_end.ring.since(0))
    whole = soxr.resample(to_float(voice), 48_000, RATE_HZ)[: len(kept)]
    assert 10 * np.log10(np.mean((kept - whole) ** 2) / np.mean(whole**2)) < -25
