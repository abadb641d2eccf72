"""The gain before the detector: a quiet user is heard, and everything else knows the true level."""

from __future__ import annotations

import numpy as np
import pytest

from interject.satellite.aec.base import Cancelled
from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.audio.pcm import to_int16
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings, Window
from interject.satellite.frontend.vad import SileroVad, VadGain
from interject.wire.errors import SettingError
from tests.satellite.frontend.speech import RATE_HZ, clip, to_float, white_noise

# A reply in headphones, which the microphone does not hear.
UNHEARD_REPLY = to_int16(white_noise(RATE_HZ, -50))


def heard(level_db: float, settings: HearingSettings, canceller: CancellerKind = CancellerKind.KALMAN) -> list[Window]:
    """A command so many decibels below the clip's level, in noise 40 dB below that, during a reply."""
    voice = np.concatenate([np.zeros(2 * RATE_HZ), to_float(clip("turn_on_the_kitchen_light")), np.zeros(RATE_HZ)])
    mic = to_int16((voice * 10 ** (level_db / 20)).astype(np.float32) + white_noise(len(voice), level_db - 60))
    played = np.resize(UNHEARD_REPLY, len(mic))
    front_end = FrontEnd(RATE_HZ, settings, SileroVad(), make_echo_control(canceller))
    windows: list[Window] = []
    for at in range(0, len(mic) - 320, 320):
        windows.extend(front_end.push(mic[at : at + 320], played[at : at + 320]))
    return windows


def voiced(windows: list[Window]) -> int:
    return sum(window.probability > 0.5 for window in windows)


def test_a_user_far_away_is_heard_for_as_long_as_one_nearby() -> None:
    nearby, far = (voiced(heard(level_db, HearingSettings())) for level_db in (-15, -40))
    without = voiced(heard(-40, HearingSettings(vad_gain_db=0)))

    assert far >= 0.9 * nearby
    assert without < 0.9 * far


def test_how_loud_a_voice_was_does_not_depend_on_the_gain() -> None:
    with_gain, without = (heard(-30, HearingSettings(vad_gain_db=most_db)) for most_db in (20, 0))

    loudest, expected = (max(window.level_db for window in windows) for windows in (with_gain, without))
    assert loudest == pytest.approx(expected, abs=1)


def level(dbfs: float, *, may_amplify: bool = True) -> Cancelled:
    frame = np.full(160, 10 ** (dbfs / 20), np.float32)
    return Cancelled(frame, frame, may_amplify)


def test_a_loud_sound_turns_the_gain_down_at_once_and_seconds_bring_it_back() -> None:
    gain = VadGain(20)
    loud, quiet = level(-10), level(-60)

    gain.process(quiet)
    assert gain.db == pytest.approx(15, abs=0.1)
    assert np.array_equal(gain.process(loud), loud.for_vad)

    gains_db: list[float] = []
    for _ in range(1_500):
        gain.process(quiet)
        gains_db.append(gain.db)
    # It falls by 3 dB a second from -10 dBFS, and from -30 on there is something to add.
    assert gains_db[650] == 0
    assert gains_db[-1] == 20
    assert max(np.diff(gains_db)) < 0.1


def test_what_was_suppressed_of_our_own_voice_is_not_taken_for_a_quiet_room() -> None:
    suppressed = Cancelled(level(-20).kept, level(-60).for_vad, may_amplify=True)

    assert np.array_equal(VadGain(20).process(suppressed), suppressed.for_vad)


def test_while_nothing_plays_speech_behind_the_user_stays_behind() -> None:
    quiet = level(-60, may_amplify=False)

    assert np.array_equal(VadGain(20).process(quiet), quiet.for_vad)


def test_a_microphone_that_cancels_by_itself_gets_no_gain() -> None:
    settings = HearingSettings(), HearingSettings(vad_gain_db=0)
    with_gain, without = (heard(-40, each, CancellerKind.HARDWARE) for each in settings)

    assert with_gain == without


def test_a_gain_out_of_range_is_named() -> None:
    with pytest.raises(SettingError, match="vad_gain_db"):
        HearingSettings(vad_gain_db=41)
