"""The check-up in a room of walls, with the satellite's own canceller: what is measured there is the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.doctor.measure import measure, rehearse
from interject.satellite.doctor.recording import Recording
from interject.satellite.doctor.verdict import judge
from interject.satellite.duplex.modes import DuplexMode
from interject.satellite.frontend.frontend import HearingSettings
from interject.satellite.frontend.vad import SileroVad
from tests.rooms import skip_without_rooms
from tests.satellite.doctor.check_up import RATE_HZ, layout_of, level_of, programme, to_int16
from tools.simulator.convolution import convolve
from tools.simulator.delay import DelayLine
from tools.simulator.impulse import PRE_FRAMES, Shell, Source, responses
from tools.simulator.loudspeaker import Loudspeaker

if TYPE_CHECKING:
    from interject.satellite.doctor.echo import Echo
    from interject.satellite.doctor.measure import Findings
    from interject.satellite.doctor.verdict import Verdict
    from tools.simulator.levels import Signal

DELAY_MS = 83.0
NOISE_DBFS = -62.0
SHELL = Shell((5.5, 4.5, 2.6), rt60_s=0.4)
MICROPHONE = (2.5, 0.4, 0.9)
LOUDSPEAKER_AT = (2.57, 0.44, 0.89)
# What a delay line takes at a time.
BLOCK = 160
FRAMES = len(programme().samples) // BLOCK * BLOCK


def echo_of(played: Signal, drift_ppm: float) -> Signal:
    """Give the echo of a small loudspeaker 8 cm from the microphone of a living room, as loud there as it is played."""
    skip_without_rooms()
    loudspeaker = Loudspeaker()
    (air,) = responses(SHELL, MICROPHONE, [Source(LOUDSPEAKER_AT)])
    response = convolve(air, loudspeaker.response())
    line = DelayLine(DELAY_MS * RATE_HZ / 1000 - PRE_FRAMES, drift_ppm)
    bent = loudspeaker.saturated(played)
    late = np.concatenate([line.process(bent[start : start + BLOCK]) for start in range(0, FRAMES, BLOCK)])
    return convolve(late, response / np.sqrt(response @ response))[:FRAMES]


class CheckUp:
    """A check-up in that room."""

    def __init__(self, drift_ppm: float = 0.0) -> None:
        played = programme().samples[:FRAMES]
        echo = echo_of(played.astype(np.float32) / np.float32(32768), drift_ppm).astype(np.float64)
        noise = np.random.default_rng(1).standard_normal(FRAMES) * 10 ** (NOISE_DBFS / 20)
        recording = Recording(RATE_HZ, to_int16(echo + noise), played)
        layout = layout_of(recording)
        self.true_echo_db = level_of(echo, layout)
        control = make_echo_control(CancellerKind.KALMAN)
        rehearsal = rehearse(recording, layout, control, SileroVad(), HearingSettings(), threshold=0.5)
        self.findings: Findings = measure(recording, layout, rehearsal)
        self.verdict: Verdict = judge(self.findings, CancellerKind.KALMAN)

    @property
    def echo(self) -> Echo:
        assert self.findings.echo is not None
        return self.findings.echo


def test_a_good_device_in_a_quiet_room_keeps_speech() -> None:
    check_up = CheckUp()
    assert check_up.verdict.troubles == ()
    assert check_up.verdict.mode is DuplexMode.SPEECH
    assert check_up.echo.delay_ms == pytest.approx(DELAY_MS, abs=1.0)
    assert check_up.echo.level_db == pytest.approx(check_up.true_echo_db, abs=1.5)
    assert check_up.findings.noise_dbfs == pytest.approx(NOISE_DBFS, abs=1.0)
    rehearsal = check_up.findings.rehearsal
    assert rehearsal.converged_s is not None
    assert 0.5 < rehearsal.converged_s < 6.0
    assert rehearsal.gain_db > 15


def test_two_devices_are_told_by_their_drift() -> None:
    check_up = CheckUp(drift_ppm=80.0)
    assert check_up.verdict.mode is not DuplexMode.SPEECH
    assert "drift" in check_up.verdict.troubles[0].reason
    assert check_up.echo.slide.drift_ppm is not None
    assert abs(check_up.echo.slide.drift_ppm) == pytest.approx(80.0, abs=15.0)
