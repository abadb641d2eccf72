"""The whole front end beside a loudspeaker: what it takes for somebody's voice while we speak."""

from __future__ import annotations

import numpy as np
import pytest

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.audio.pcm import to_int16
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings, Window
from interject.satellite.frontend.vad import SileroVad
from tests.satellite.aec.acoustics import THEIRS, Signal, room, talk, through
from tests.satellite.frontend.speech import RATE_HZ, white_noise

NOISE_DBFS = -62.0
USER_DBFS = -32.0
# The turn machine ducks for two in a row.
IN_A_ROW = 2
# Speech is heard in half a second, or the user says it again.
SOON_S = 0.6


def hear(mic: Signal, played: Signal, kind: CancellerKind = CancellerKind.KALMAN) -> list[Window]:
    front_end = FrontEnd(RATE_HZ, HearingSettings(), SileroVad(), make_echo_control(kind))
    windows: list[Window] = []
    for at in range(0, len(mic) - BLOCK_SAMPLES + 1, BLOCK_SAMPLES):
        block = slice(at, at + BLOCK_SAMPLES)
        windows += front_end.push(to_int16(mic[block]), to_int16(played[block]))
    return windows


def triggers_s(windows: list[Window]) -> list[float]:
    """Return when so many windows in a row had counted."""
    times, run = [], 0
    for window in windows:
        run = run + 1 if window.probability >= 0.5 and not window.is_echo else 0
        if run == IN_A_ROW:
            times.append(window.end_index / RATE_HZ)
    return times


def echo_of(played: Signal, over_user_db: float, response: Signal | None = None) -> Signal:
    heard = through(room(90) if response is None else response, played)
    return heard * np.float32(10 ** ((USER_DBFS + over_user_db) / 20) / np.sqrt(np.mean(heard**2)))


def noise(signal: Signal) -> Signal:
    return white_noise(len(signal), NOISE_DBFS, seed=9)


def user_from(begins_s: float, size: int) -> Signal:
    said = talk(2.0, THEIRS, USER_DBFS, seed=5)
    track = np.zeros(size, np.float32)
    begin = round(begins_s * RATE_HZ)
    track[begin : begin + len(said)] = said[: size - begin]
    return track


@pytest.mark.parametrize("over_user_db", [-20, 0, 10, 20])
def test_our_own_voice_never_counts_from_its_first_word_on(over_user_db: float) -> None:
    played = talk(8.0)
    assert triggers_s(hear(echo_of(played, over_user_db) + noise(played), played)) == []


@pytest.mark.parametrize("over_user_db", [-20, 0, 10])
def test_the_user_counts_through_our_voice(over_user_db: float) -> None:
    played = talk(6.0)
    mic = echo_of(played, over_user_db) + noise(played) + user_from(5.0, len(played))
    times = triggers_s(hear(mic, played))
    assert times
    assert 5.0 < times[0] <= 5.0 + SOON_S


def test_who_is_louder_than_any_echo_so_far_counts_before_the_echo_is_known() -> None:
    played = talk(2.0)
    mic = echo_of(played, -25) + noise(played) + user_from(1.0, len(played))
    times = triggers_s(hear(mic, played))
    assert times
    assert 1.0 < times[0] <= 1.0 + SOON_S


def test_ducking_and_coming_back_is_no_voice() -> None:
    played = talk(9.0)
    gain = np.interp(
        np.arange(len(played)) / RATE_HZ, [5.0, 5.02, 6.5, 6.65, 8.0, 8.02], [1.0, 0.25, 0.25, 1.0, 1.0, 0.0]
    )
    played *= gain.astype(np.float32)
    assert triggers_s(hear(echo_of(played, 10) + noise(played), played)) == []


def test_a_louder_loudspeaker_is_soon_known_and_the_user_counts_again() -> None:
    played = talk(10.0)
    echo = echo_of(played, 5)
    echo[6 * RATE_HZ :] *= np.float32(10 ** (6 / 20))
    times = triggers_s(hear(echo + noise(played) + user_from(9.0, len(played)), played))
    assert times
    assert 9.0 < times[0] <= 9.0 + SOON_S


@pytest.mark.parametrize("kind", [CancellerKind.NONE, CancellerKind.HARDWARE])
def test_without_a_canceller_a_quiet_echo_is_known_by_its_loudness(kind: CancellerKind) -> None:
    played = talk(6.0)
    mic = echo_of(played, -20) + noise(played) + user_from(5.0, len(played))
    times = triggers_s(hear(mic, played, kind))
    assert times
    assert 5.0 < times[0] <= 5.0 + SOON_S
