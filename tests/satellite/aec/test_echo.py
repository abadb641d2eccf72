"""How loud our own loudspeaker is at the microphone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.aec.level_guard import EchoMeter
from tests.satellite.frontend.speech import RATE_HZ, clip, to_float, white_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECONDS = 18


def speech(seed: int, *names: str) -> NDArray[np.float32]:
    """Speak clips in random order with random pauses, at -25 dBFS: two that repeat in step would be correlated."""
    random = np.random.default_rng(seed)
    parts: list[NDArray[np.float32]] = []
    while sum(map(len, parts)) < SECONDS * RATE_HZ:
        parts += [to_float(clip(random.choice(names))), np.zeros(random.integers(8000), np.float32)]
    spoken = np.concatenate(parts)[: SECONDS * RATE_HZ]
    scaled: NDArray[np.float32] = spoken * np.float32(10 ** (-25 / 20) / np.sqrt(np.mean(spoken**2)))
    return scaled


def our_voice() -> NDArray[np.float32]:
    return speech(1, "about_a_lighthouse", "count_to_twenty", "turn_on_the_kitchen_light")


def the_user() -> NDArray[np.float32]:
    return speech(2, "tell_me_a_long_story", "what_time_is_it")


def the_user_now_and_then() -> NDArray[np.float32]:
    """Let the user talk for two seconds of every six."""
    user = the_user()
    user[np.arange(len(user)) % (6 * RATE_HZ) > 2 * RATE_HZ] = 0
    return user


def room(echo_db: float, delay_ms: int, reverberant_db: float | None) -> NDArray[np.float32]:
    """Return an impulse response: a direct path, and behind it a tail of RT60 = 0.4 s so much stronger or weaker."""
    delay = delay_ms * RATE_HZ // 1000
    response = np.zeros(RATE_HZ // 2, np.float32)
    if reverberant_db is not None:
        times_s = np.arange(len(response) - delay) / RATE_HZ
        tail = np.random.default_rng(3).standard_normal(len(times_s)) * 10 ** (-3 * times_s / 0.4)
        response[delay:] = tail / np.sqrt(np.sum(tail**2)) * 10 ** (reverberant_db / 20)
    response[delay] += 1
    return response * np.float32(10 ** (echo_db / 20) / np.sqrt(np.sum(response**2)))


def through(response: NDArray[np.float32], signal: NDArray[np.float32]) -> NDArray[np.float32]:
    size = len(signal) + len(response)
    heard = np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(response, size), size)[: len(signal)]
    return heard.astype(np.float32)


def measure(mic: NDArray[np.float32], played: NDArray[np.float32]) -> float | None:
    meter = EchoMeter()
    for start in range(0, len(mic), 320):
        meter.push(mic[start : start + 320], played[start : start + 320])
    return meter.echo_db


@pytest.mark.parametrize("echo_db", [-6.0, -20.0, -30.0, -40.0])
@pytest.mark.parametrize("delay_ms", [0, 80, 250])
def test_it_measures_a_plain_echo(echo_db: float, delay_ms: int) -> None:
    played = our_voice()
    mic = through(room(echo_db, delay_ms, None), played) + white_noise(len(played), -75)

    assert measure(mic, played) == pytest.approx(echo_db, abs=2)


def test_it_measures_the_echo_of_a_room() -> None:
    played = our_voice()
    mic = through(room(-20, 80, 0.0), played) + white_noise(len(played), -75)

    # Reverberation after the first 30 ms is left out, and the voice's colour weighs what is in.
    assert measure(mic, played) == pytest.approx(-20, abs=4)


@pytest.mark.parametrize("echo_db", [-10.0, -20.0, -25.0])
def test_a_user_as_loud_as_we_for_a_third_of_the_time_does_not_change_the_verdict(echo_db: float) -> None:
    played = our_voice()
    mic = through(room(echo_db, 80, None), played) + the_user_now_and_then()

    assert measure(mic, played) == pytest.approx(echo_db, abs=3)


def test_a_user_who_never_stops_talking_does_not_hide_a_loud_echo() -> None:
    played = our_voice()
    mic = through(room(-10, 80, None), played) + the_user()

    assert measure(mic, played) == pytest.approx(-10, abs=3)


def test_a_user_is_no_echo() -> None:
    played = our_voice()

    measured = measure(the_user_now_and_then() + white_noise(len(played), -75), played)

    assert measured is not None
    assert measured < -35


def test_a_microphone_that_is_switched_off_is_no_room_without_an_echo() -> None:
    played = our_voice()
    mic = through(room(-10, 80, None), played) + white_noise(len(played), -75)
    mic[len(mic) // 3 :] = 0

    assert measure(mic, played) == pytest.approx(-10, abs=3)


def test_there_is_no_figure_without_enough_playback() -> None:
    played = our_voice()
    silence = np.zeros_like(played)

    assert measure(played, silence) is None
    assert measure(played[: 3 * RATE_HZ], played[: 3 * RATE_HZ]) is None
