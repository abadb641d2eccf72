"""AEC3 stands behind the same seam, where its package is installed."""

from __future__ import annotations

import importlib.util

import pytest

from satellite.hearing.cancelling.aec3 import WebRtcCanceller
from satellite.hearing.cancelling.errors import CancellerMissingError
from satellite.hearing.echo import BLOCK_SAMPLES
from tests.satellite.hearing.cancelling.acoustics import level_db, room, talk, through

PACKAGE = "pywebrtc_audio"


def test_it_lowers_our_own_voice() -> None:
    pytest.importorskip(PACKAGE, reason=f"{PACKAGE} is not installed")
    played = talk(5)
    mic = through(room(60), played)
    canceller = WebRtcCanceller()

    for at in range(0, len(mic) - BLOCK_SAMPLES + 1, BLOCK_SAMPLES):
        block = slice(at, at + BLOCK_SAMPLES)
        mic[block] = canceller.process(mic[block], played[block])

    assert level_db(mic, 3.0, 5.0) <= level_db(played, 3.0, 5.0) - 10


def test_a_missing_package_is_named() -> None:
    if importlib.util.find_spec(PACKAGE) is not None:
        pytest.skip(f"{PACKAGE} is installed")

    with pytest.raises(CancellerMissingError, match="pywebrtc-audio"):
        WebRtcCanceller()
