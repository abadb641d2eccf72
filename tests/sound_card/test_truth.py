"""What is told from recordings, on recordings of which the truth is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tools.sound_card.pauses import NothingHeardError, Trial, find_truth
from tools.sound_card.talk import Snapshot
from tools.sound_card.tape import RATE_HZ, Tape
from tools.sound_card.truth import echo_delay_ms

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples

BEGAN_S = 1000.0
PERIOD = 480
FADE = 960


def noise(seconds: float) -> Samples:
    return np.random.default_rng(1).integers(-6500, 6500, round(seconds * RATE_HZ), np.int16)


def tape_of(samples: Samples) -> Tape:
    """Record in periods that come up to 8 ms late, nine of ten times."""
    firsts = np.arange(0, len(samples), PERIOD, dtype=np.float64)
    late_s = np.random.default_rng(2).uniform(0, 0.008, len(firsts))
    late_s[::10] = 0
    return Tape(samples, np.stack([firsts, BEGAN_S + firsts / RATE_HZ + late_s], axis=1))


def paused_reply(*, lost: int = 0) -> tuple[Trial, Tape]:
    """Give a reply that is handed over after 2 s, sounds 40 ms later, and is paused 1 s after that."""
    reply = noise(2.0)
    point = RATE_HZ + FADE
    gave = reply[: point + FADE].copy()
    gave[point:] = (gave[point:] * np.linspace(1, 0, FADE)).astype(np.int16)
    gave = np.delete(gave, slice(point - lost - 10, point - 10))
    room = np.zeros(5 * RATE_HZ, np.int16)
    start = round(2.04 * RATE_HZ)
    room[start : start + len(gave)] = gave
    trial = Trial(
        reply=reply,
        handed_s=BEGAN_S + 2.0,
        paused_s=BEGAN_S + 3.04,
        latency_frames=round(0.04 * RATE_HZ),
        position=RATE_HZ,
        pause_point=point,
        settled=point,
    )
    return trial, tape_of(room)


def test_a_tape_tells_when_a_frame_was_played_however_late_its_piece_came() -> None:
    tape = tape_of(noise(10.0))
    for frame in (0, 12_345, 9 * RATE_HZ):
        assert tape.time_of(frame) == pytest.approx(BEGAN_S + frame / RATE_HZ)
        assert tape.frame_at(tape.time_of(frame)) == frame


def test_a_reply_is_found_to_the_sample() -> None:
    trial, tape = paused_reply()
    (truth,) = find_truth([trial], tape)
    assert truth.latency_ms == pytest.approx(40, abs=0.1)
    assert truth.position == RATE_HZ
    assert truth.silent_ms == pytest.approx(40, abs=0.5)
    assert truth.altered == 0
    assert FADE - 24 < truth.beyond <= FADE


def test_samples_that_are_lost_are_noticed() -> None:
    trial, tape = paused_reply(lost=5)
    (truth,) = find_truth([trial], tape)
    assert truth.altered >= 5


def test_a_reply_that_nobody_heard_is_told() -> None:
    trial, tape = paused_reply()
    with pytest.raises(NothingHeardError):
        find_truth([trial], Tape(np.zeros_like(tape.samples), tape.pieces))


def test_the_echo_is_found_where_it_is() -> None:
    played, delay = noise(2.0), 5000
    mic = np.roll(played, delay) // 2 + noise(2.0)[::-1] // 50
    assert echo_delay_ms(Snapshot(played, mic)) == pytest.approx(delay * 1000 / RATE_HZ, abs=0.1)
    assert echo_delay_ms(Snapshot(np.zeros_like(played), mic)) is None
