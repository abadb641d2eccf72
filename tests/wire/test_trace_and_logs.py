"""Traces and logs: readable while they are written, and a mistake in their settings is one clear line."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from wire.errors import SettingError
from wire.logs import DEFAULT_FORMAT, configure_logging
from wire.trace import NoTrace, open_trace


def test_each_record_can_be_read_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    trace = open_trace(path, "stt")
    trace.emit("transcript", text="grüß \ud83d", n=1)
    first = json.loads(path.read_text())
    trace.emit("end")
    second = json.loads(path.read_text().splitlines()[1])
    trace.close()  # type: ignore[attr-defined]
    assert {key: first[key] for key in ("source", "type", "text", "n")} == {
        "source": "stt",
        "type": "transcript",
        "text": "grüß \ud83d",
        "n": 1,
    }
    assert 0 < first["mono"] <= second["mono"]


def test_without_a_path_nothing_is_recorded() -> None:
    trace = open_trace(None, "stt")
    trace.emit("anything", a=object())
    assert isinstance(trace, NoTrace)


def test_a_trace_that_cannot_be_opened_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"trace-file: .*no/such.*No such file"):
        open_trace(tmp_path / "no" / "such", "stt")


def test_a_full_disk_costs_records_and_one_warning_not_the_process(caplog: pytest.LogCaptureFixture) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this machine has no /dev/full")
    trace = open_trace(full, "stt")
    for _ in range(3):
        trace.emit("x")
    trace.close()  # type: ignore[attr-defined]
    assert len([record for record in caplog.records if "/dev/full" in record.getMessage()]) == 1


@pytest.mark.parametrize("log_format", ["%(nonsense", "%(nonsense)s", "%(levelno)x %q", "%(message)d"])
def test_a_log_format_that_makes_no_sense_is_told_with_one_that_does(
    log_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with pytest.raises(SettingError, match="log-format") as caught:
        configure_logging(debug=False, log_format=log_format)
    assert DEFAULT_FORMAT in str(caught.value)
