from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.doctor.measure import clipped_share, measure
from interject.satellite.doctor.recording import NotMeasuredError, Recording, lay_out
from tests.satellite.doctor.check_up import (
    GOOD,
    RATE_HZ,
    Room,
    echo_in,
    examine,
    layout_of,
    level_of,
    programme,
    programme_at,
    record_in,
)

if TYPE_CHECKING:
    from interject.satellite.doctor.echo import Echo
    from interject.satellite.doctor.measure import Findings

# Sound cards' own rate.
CARD_HZ = 48_000


def echo_of(findings: Findings) -> Echo:
    assert findings.echo is not None
    return findings.echo


@pytest.mark.parametrize(
    "room",
    [
        Room(delay_ms=12.0, echo_db=-3.0),
        # As late as aplay's buffer makes it.
        Room(delay_ms=650.0),
        # 15 dB below the noise, while the speech plays.
        Room(delay_ms=300.0, echo_db=-45.0, noise_dbfs=-50.0),
    ],
)
def test_the_delay_and_the_level_of_the_echo_are_found(room: Room) -> None:
    recording = record_in(room)
    echo = echo_of(examine(recording))
    assert echo.delay_ms == pytest.approx(room.delay_ms, abs=1.0)
    assert echo.level_db == pytest.approx(level_of(echo_in(room), layout_of(recording)), abs=1.5)
    assert echo.slide.jumps_ms == ()
    assert echo.slide.drift_ppm == pytest.approx(0.0, abs=5.0)
    assert echo.distortion < 0.003


def test_a_sound_card_of_48_khz_is_measured_alike() -> None:
    test = programme_at(CARD_HZ)
    late = np.concatenate((np.zeros(CARD_HZ // 10, np.int16), test.samples))[: len(test.samples)] // 4
    recording = Recording(CARD_HZ, late, test.samples)
    echo = echo_of(measure(recording, lay_out(test, recording), GOOD))
    assert echo.delay_ms == pytest.approx(100.0, abs=1.0)
    assert echo.level_db == pytest.approx(20 * math.log10(1 / 4), abs=1.5)


def test_the_drift_of_two_clocks_is_found() -> None:
    echo = echo_of(examine(record_in(Room(drift_ppm=80.0))))
    assert echo.slide.drift_ppm == pytest.approx(80.0, abs=15.0)
    assert echo.slide.jumps_ms == ()


@pytest.mark.parametrize("during", ["sweep", "speech"])
def test_a_buffer_that_slips_is_a_jump_and_no_drift(during: str) -> None:
    room = Room()
    recording = record_in(room)
    part = getattr(layout_of(recording), during)
    middle = (part.start + part.stop) // 2
    slipped = recording.mic.copy()
    slipped[middle + 320 :] = recording.mic[middle:-320]
    echo = echo_of(examine(replace(recording, mic=slipped)))
    assert sum(echo.slide.jumps_ms) == pytest.approx(20.0, abs=0.5)
    assert echo.slide.drift_ppm == pytest.approx(0.0, abs=15.0)
    assert echo.level_db == pytest.approx(level_of(echo_in(room), layout_of(recording)), abs=1.5)


def test_the_noise_floor_is_that_of_the_silence_and_an_offset_is_no_noise() -> None:
    recording = record_in(Room(noise_dbfs=-70.0))
    findings = examine(replace(recording, mic=recording.mic + np.int16(900)))
    assert findings.noise_dbfs == pytest.approx(-70.0, abs=1.0)


@pytest.mark.parametrize(
    ("limit", "overdrive_db"), [(1.0, 6.0), (0.3, 12.0)], ids=["full scale", "what comes before the converter"]
)
def test_a_microphone_that_clips_is_found_and_by_how_much(limit: float, overdrive_db: float) -> None:
    wide = record_in(Room(echo_db=-12.0))
    true_peak = float(np.abs(wide.mic[layout_of(wide).speech]).max()) / 32768
    gain_db = 20 * math.log10(limit / true_peak) + overdrive_db
    findings = examine(record_in(Room(echo_db=-12.0 + gain_db, limit=limit)))
    assert findings.clipped > 0.001
    assert echo_of(findings).overdrive_db == pytest.approx(overdrive_db, abs=1.5)


def test_speech_that_is_loud_and_whole_does_not_clip() -> None:
    recording = record_in(Room(echo_db=-1.0))
    assert clipped_share(recording.mic[layout_of(recording).speech]) < 0.0003


def test_a_loudspeaker_s_second_harmonic_is_measured() -> None:
    share = 0.05
    # A sine of amplitude a in x + b * x**2 has a second harmonic of a * b / 2.
    sweep_peak = float(np.abs(programme().sweep.samples).max()) / 32768
    bent = Room(bend=lambda signal: signal + 2 * share / sweep_peak * signal**2)
    assert echo_of(examine(record_in(bent))).distortion == pytest.approx(share, rel=0.2)


def test_audio_that_is_missing_is_counted() -> None:
    recording = record_in(Room())
    torn = recording.mic.copy()
    for at_s in (5.0, 9.0):
        torn[round(at_s * RATE_HZ) :][:320] = 0
    findings = examine(replace(recording, mic=torn, gaps=1, lost_frames=160))
    assert findings.gaps == 3
    assert findings.lost_ms == pytest.approx(50.0, abs=0.5)


def test_a_muted_microphone_hears_nothing_and_loses_nothing() -> None:
    recording = record_in(Room())
    findings = examine(replace(recording, mic=np.zeros_like(recording.mic)))
    assert findings.echo is None
    assert findings.heard_dbfs < -100
    assert findings.gaps == 0


def test_noise_alone_has_no_echo_in_it() -> None:
    assert examine(record_in(Room(echo_db=-150.0, noise_dbfs=-45.0))).echo is None


def test_what_the_loudspeaker_s_device_swallowed_cannot_be_measured() -> None:
    recording = record_in(Room())
    swallowed = recording.played.copy()
    swallowed[layout_of(recording).speech] = 0
    with pytest.raises(NotMeasuredError, match=r"only a part .*speaking"):
        examine(replace(recording, played=swallowed))


def test_the_programme_is_found_where_the_device_began_late() -> None:
    recording = record_in(Room())
    silence = np.zeros(RATE_HZ // 2, np.int16)
    late = Recording(RATE_HZ, np.append(silence, recording.mic), np.append(silence, recording.played))
    assert echo_of(examine(late)).delay_ms == pytest.approx(60.0, abs=1.0)
