"""What a server may send as speech; all else is its failure, and never the satellite's end."""

from __future__ import annotations

from typing import Any

import pytest
from wyoming.event import Event

from interject.satellite.transports.direct.checks import speech_of
from interject.wire.errors import PeerGoneError

_URI = "tcp://127.0.0.1:10200"
_GOOD: dict[str, Any] = {"rate": 22_050, "width": 2, "channels": 1}


def test_good_speech_passes_unchanged() -> None:
    chunk = speech_of(Event("audio-chunk", data=_GOOD, payload=b"\1\0\2\0"), _URI)
    assert (chunk.audio, chunk.rate, chunk.width, chunk.channels) == (b"\1\0\2\0", 22_050, 2, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": "fast"},
        {"rate": 0},
        {"rate": 22_050.0},
        {"rate": [22_050]},
        {"width": 3},
        {"width": 4.0},
        {"width": True},
        {"width": None},
        {"channels": 0},
        {"channels": 1.0},
    ],
)
def test_any_other_format_is_the_servers_failure(wrong: dict[str, Any]) -> None:
    with pytest.raises(PeerGoneError, match=f"{_URI}: its audio"):
        speech_of(Event("audio-chunk", data={**_GOOD, **wrong}, payload=bytes(8)), _URI)


@pytest.mark.parametrize("missing", sorted(_GOOD))
def test_a_missing_field_is_the_servers_failure(missing: str) -> None:
    data = {key: value for key, value in _GOOD.items() if key != missing}
    with pytest.raises(PeerGoneError, match="malformed"):
        speech_of(Event("audio-chunk", data=data, payload=bytes(8)), _URI)


def test_half_a_sample_is_the_servers_failure() -> None:
    with pytest.raises(PeerGoneError, match="inside a sample"):
        speech_of(Event("audio-chunk", data=_GOOD, payload=b"\1\0\2"), _URI)
