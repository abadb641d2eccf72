"""The cancellers of others stand behind the same seam, where their packages are installed."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from satellite.hearing.cancelling.aec3 import WebRtcCanceller
from satellite.hearing.cancelling.errors import CancellerMissingError
from satellite.hearing.cancelling.speex import SpeexCanceller
from tests.satellite.hearing.cancelling.acoustics import BLOCK, level_db, room, talk, through

if TYPE_CHECKING:
    from collections.abc import Callable

    from satellite.hearing.echo import EchoCanceller

ENGINES = [("pywebrtc_audio", WebRtcCanceller), ("speexdsp", SpeexCanceller)]


@pytest.mark.parametrize(("module", "make"), ENGINES)
def test_they_lower_our_own_voice(module: str, make: Callable[[], EchoCanceller]) -> None:
    pytest.importorskip(module, reason=f"{module} is not installed")
    played = talk(5)
    mic = through(room(60), played)
    canceller = make()

    for at in range(0, len(mic) - BLOCK + 1, BLOCK):
        block = slice(at, at + BLOCK)
        mic[block] = canceller.process(mic[block], played[block])

    assert level_db(mic, 3.0, 5.0) <= level_db(played, 3.0, 5.0) - 10


@pytest.mark.parametrize(("module", "make"), ENGINES)
def test_a_missing_package_is_named(module: str, make: Callable[[], EchoCanceller]) -> None:
    if importlib.util.find_spec(module) is not None:
        pytest.skip(f"{module} is installed")

    with pytest.raises(CancellerMissingError, match=module.replace("_", "-")):
        make()
