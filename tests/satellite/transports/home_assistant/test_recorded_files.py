"""What makes recordings keeps all that a test needs of the wire, and refuses what nobody could judge."""

from __future__ import annotations

from typing import Any

import pytest

from tests.satellite.transports.home_assistant.traces.recording import expand
from tools.generators.record_traces import (
    NothingPlayedError,
    SpeechLostError,
    UnclearSpeechError,
    check_lengths,
    compact,
    recording,
)

RATE = {"rate": 22_050, "width": 2, "channels": 1}
CHUNK_BYTES, CHUNK_MS = 2048, 46


def record(mono: float, kind: str, data: dict[str, Any] | None = None, size: int = 0, **of: Any) -> dict[str, Any]:
    event = {"mono": mono, "type": kind, "data": data or {}, "bytes": size}
    return {"role": "satellite", "connection": 1, "from_home": True, **event, **of}


def start(mono: float) -> dict[str, Any]:
    return record(mono, "audio-start", {**RATE, "timestamp": 0})


def chunk(mono: float, timestamp: int, size: int = CHUNK_BYTES) -> dict[str, Any]:
    return record(mono, "audio-chunk", {**RATE, "timestamp": timestamp}, size)


def stop(mono: float, timestamp: int | None) -> dict[str, Any]:
    return record(mono, "audio-stop", {"timestamp": timestamp})


def spoken(size: int, connection: int) -> dict[str, Any]:
    return record(100.0, "audio-chunk", RATE, size, role="tts", from_home=False, connection=connection)


CALL = {
    "mono": 100.5,
    "source": "satellite",
    "type": "interrupt",
    "t": 0.5,
    "epoch": 1,
    "reason": "speech",
    "heard": "",
}
NOTE = {"mono": 100.6, "source": "satellite", "type": "ha-null-run", "t": 0.6}
RUN = record(100.0, "run-satellite")
# An old stream of which 10 chunks came at once, then its rest between the chunks of a new one.
OLD = [start(100.1), *(chunk(100.1 + n / 1000, n * CHUNK_MS) for n in range(10))]
NEW = [start(101.0), *(chunk(101.0 + n / 50, n * CHUNK_MS) for n in range(4)), chunk(101.09, 4 * CHUNK_MS, 100)]
REST = [chunk(101.01 + n / 50, (10 + n) * CHUNK_MS) for n in range(3)]
ENDS = [stop(101.2, 4 * CHUNK_MS + 2), stop(101.3, 13 * CHUNK_MS)]
WIRE = sorted([RUN, *OLD, *NEW, *REST, *ENDS], key=lambda each: float(each["mono"]))


def test_interleaved_streams_come_out_as_they_came() -> None:
    records = list(recording(WIRE, [CALL, NOTE]))
    lines = list(compact(records))
    assert len(lines) < len(records) / 2
    expanded = list(expand(lines))
    assert [line.type for line in expanded] == [each["type"] for each in records]
    assert [line.stream for line in expanded] == [each.get("stream") for each in records]
    assert [len(line.event.payload or b"") for line in expanded] == [each.get("bytes", 0) for each in records]
    assert [line.event.data for line in expanded] == [each["data"] for each in records]
    assert [line.t for line in expanded] == pytest.approx([each["t"] for each in records], abs=0.02)


def test_a_call_is_kept_without_what_was_heard_and_the_satellites_own_notes_are_not() -> None:
    calls = [each for each in recording(WIRE, [CALL, NOTE]) if each["direction"] == "call"]
    assert calls == [{"t": 0.5, "direction": "call", "type": "interrupt", "data": {"epoch": 1, "reason": "speech"}}]


@pytest.mark.parametrize(
    "unclear",
    [
        pytest.param([start(101.0), chunk(101.0, 0), start(101.1), chunk(101.2, 7)], id="of none"),
        pytest.param([start(101.0), start(101.1), chunk(101.2, 0)], id="of two"),
        pytest.param([start(101.0), start(101.1), stop(101.2, None)], id="whose end"),
    ],
)
def test_speech_that_may_be_anybodys_is_refused(unclear: list[dict[str, Any]]) -> None:
    with pytest.raises(UnclearSpeechError):
        list(recording([RUN, *unclear], []))


def test_a_stream_must_be_as_long_as_something_that_was_spoken() -> None:
    records = list(recording(WIRE, []))
    old, new = 13 * CHUNK_BYTES, 4 * CHUNK_BYTES + 100
    check_lengths(records, [spoken(old, 1), spoken(new - 100, 2), spoken(100, 2)])
    with pytest.raises(SpeechLostError):
        check_lengths(records, [spoken(old, 1), spoken(new + 2, 2)])


def test_a_scene_that_was_not_played_is_refused() -> None:
    with pytest.raises(NothingPlayedError):
        list(recording([], []))
