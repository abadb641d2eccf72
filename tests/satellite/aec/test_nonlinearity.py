"""A loudspeaker that cannot go as far as it is told is followed; one that can is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from interject.satellite.aec.canceller import KalmanCanceller
from interject.satellite.aec.nonlinearity import Loudspeaker
from tests.satellite.aec.acoustics import THEIRS, Signal, room, run, talk, through
from tests.satellite.frontend.speech import RATE_HZ, white_noise

KNEE = 0.5
SECONDS = 12


def clipped(played: Signal) -> Signal:
    bent: Signal = (KNEE * np.tanh(played / KNEE)).astype(np.float32)
    return bent


def microphone(leaving_the_loudspeaker: Signal) -> Signal:
    return through(room(90), leaving_the_loudspeaker) + white_noise(len(leaving_the_loudspeaker), -70, seed=9)


def erle_db(mic: Signal, played: Signal) -> float:
    """Return by how much the echo is lowered in the last seconds, before anything is suppressed."""
    last = run(mic, played).facts[-1].erle_db
    assert last is not None
    return last


def test_what_a_soft_clip_adds_is_cancelled_too() -> None:
    played = talk(SECONDS, level_dbfs=-16)

    # Known from the first word: what leaves the loudspeaker. A linear filter alone is 7 dB worse.
    known_db = erle_db(microphone(clipped(played)), clipped(played))
    assert erle_db(microphone(clipped(played)), played) >= known_db - 4


def test_a_linear_loudspeaker_is_taken_for_one() -> None:
    played = talk(SECONDS, level_dbfs=-16)
    canceller = KalmanCanceller()
    run(microphone(played), played, canceller)

    assert canceller.loudspeaker.compression == pytest.approx(0, abs=0.03)


def test_a_user_who_talks_bends_nothing() -> None:
    played = talk(SECONDS, level_dbfs=-16)
    user = talk(SECONDS, THEIRS, level_dbfs=-16, seed=4)
    user[: 4 * RATE_HZ] = 0
    canceller = KalmanCanceller()
    run(microphone(played) + user, played, canceller)

    assert canceller.loudspeaker.compression == pytest.approx(0, abs=0.1)


def test_what_is_played_passes_unchanged_before_anything_is_known() -> None:
    played = talk(1)

    assert np.array_equal(Loudspeaker().bend(played), played)
