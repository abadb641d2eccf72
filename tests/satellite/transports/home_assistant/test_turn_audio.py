from __future__ import annotations

import numpy as np
import pytest

from interject.satellite.transports.assist.turn_audio import TurnAudio, silence_at_end
from tools.virtual.home_assistant_house import RATE_HZ, SECOND, quiet, voice


def test_a_run_gets_what_was_said_before_it_and_then_what_is_said() -> None:
    audio = TurnAudio()
    audio.open(1)
    audio.append(1, voice(0.5))
    assert audio.unsent() == []
    audio.begin((1,))
    assert b"".join(audio.unsent()) == voice(0.5)
    audio.append(1, voice(0.1, SECOND))
    assert b"".join(audio.unsent()) == voice(0.1, SECOND)
    audio.halt()
    audio.append(1, voice(0.1))
    assert audio.unsent() == []


def test_a_run_begun_anew_gets_all_of_it_again() -> None:
    audio = TurnAudio()
    audio.open(1)
    audio.append(1, voice(0.5))
    for _ in range(2):
        audio.begin((1,))
        assert b"".join(audio.unsent()) == voice(0.5)


def test_pauses_between_the_parts_of_a_turn_are_cut_short_and_the_last_is_not() -> None:
    audio = TurnAudio()
    for stream in (1, 2):
        audio.open(stream)
        audio.append(stream, voice(0.5) + quiet(0.6))
        audio.end(stream)
    audio.begin((1, 2))
    assert b"".join(audio.unsent()) == voice(0.5) + quiet(0.2) + voice(0.5) + quiet(0.6)


def test_no_piece_is_empty_or_larger_than_what_home_assistant_is_used_to() -> None:
    audio = TurnAudio()
    audio.open(1)
    audio.begin((1,))
    audio.append(1, b"")
    assert audio.unsent() == []
    audio.append(1, voice(1.01))
    sizes = {len(piece) for piece in audio.unsent()}
    assert 0 not in sizes
    assert max(sizes) == 2048


def test_a_turn_without_end_is_kept_to_a_bound() -> None:
    audio = TurnAudio()
    audio.open(1)
    minute = voice(60.0)
    assert [audio.append(1, minute) for _ in range(7)] == [True] * 6 + [False]


def test_audio_of_streams_that_nobody_opened_or_that_are_forgotten_is_dropped() -> None:
    audio = TurnAudio()
    assert audio.append(7, voice(0.1))
    audio.open(1)
    audio.append(1, voice(0.1))
    audio.forget((1, 7))
    audio.begin((1, 7))
    assert audio.unsent() == []


@pytest.mark.parametrize("noise", [0, 20, 100])
def test_silence_is_found_under_the_noise_of_a_room(noise: int) -> None:
    rng = np.random.default_rng(1)
    samples = rng.normal(0, noise, 2 * RATE_HZ).round().astype(np.int16)
    samples[: RATE_HZ // 2] += (8000 * np.sin(np.arange(RATE_HZ // 2) / 10)).astype(np.int16)
    assert silence_at_end(samples) == pytest.approx(1.5 * RATE_HZ, abs=0.05 * RATE_HZ)


def test_where_nothing_sounds_nothing_is_cut() -> None:
    assert silence_at_end(np.zeros(RATE_HZ, np.int16)) == 0
    assert silence_at_end(np.zeros(10, np.int16)) == 0
