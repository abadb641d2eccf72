"""Traces and logs: readable while they are written, and a mistake in their settings is one clear line."""

from __future__ import annotations

import errno
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from interject.wire.errors import SettingError
from interject.wire.logs import DEFAULT_FORMAT, FloodFilter, configure_logging
from interject.wire.trace import NoTrace, Record, open_trace


@dataclass(frozen=True, slots=True)
class Greeted(Record):
    KIND: ClassVar[str] = "greeted"

    text: str
    n: int


@dataclass(frozen=True, slots=True)
class Ended(Record):
    KIND: ClassVar[str] = "ended"


def test_each_record_can_be_read_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    trace = open_trace(path, "stt")
    trace.emit(Greeted("grüß \ud83d", 1), 0.25)
    first = json.loads(path.read_text())
    trace.emit(Ended())
    second = json.loads(path.read_text().splitlines()[1])
    trace.close()  # type: ignore[attr-defined]
    assert {key: first[key] for key in ("source", "type", "t", "text", "n")} == {
        "t": 0.25,
        "source": "stt",
        "type": "greeted",
        "text": "grüß \ud83d",
        "n": 1,
    }
    assert 0 < first["mono"] <= second["mono"]


def test_without_a_path_nothing_is_recorded() -> None:
    trace = open_trace(None, "stt")
    trace.emit(Ended())
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
        trace.emit(Ended())
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


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("kitchen\nERROR root: the disk is full", r"kitchen\nERROR root: the disk is full"),
        ("\x1b[2Jall clear", r"\x1b[2Jall clear"),
        ("\u202eevil", r"\u202eevil"),
        ("Küche 🍳", "Küche 🍳"),
    ],
)
def test_what_others_say_cannot_make_up_a_line_nor_move_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], foreign: str, shown: str
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    configure_logging(debug=False, log_format="%(levelname)s %(message)s")
    logging.getLogger("interject.satellite").warning("the timer %s is over", foreign)
    assert capsys.readouterr().err == f"WARNING the timer {shown} is over\n"


def test_a_line_has_an_end_whatever_is_quoted_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    configure_logging(debug=False, log_format="%(levelname)s %(message)s")
    logging.getLogger("interject.satellite").warning("it says %s", "x" * 900_000)
    assert 1000 < len(capsys.readouterr().err) < 1200


@dataclass(frozen=True)
class Stranger:
    address: str


def records(kind: str, first: object, count: int, at: float) -> list[logging.LogRecord]:
    made = [
        logging.LogRecord("interject.wire.service", logging.WARNING, "", 0, kind, (first,), None) for _ in range(count)
    ]
    for record in made:
        record.created = at
    return made


def test_one_machine_can_cause_ten_warnings_a_minute_and_hides_none_of_another() -> None:
    flood = FloodFilter()
    stranger, neighbour = Stranger("192.168.1.66"), Stranger("192.168.1.67")
    assert sum(flood.filter(record) for record in records("%s: bad", stranger, 5000, 100.0)) == 10
    assert sum(flood.filter(record) for record in records("%s: bad", neighbour, 3, 101.0)) == 3
    assert sum(flood.filter(record) for record in records("%s: worse", stranger, 1, 102.0)) == 1
    (later,) = records("%s: bad", stranger, 1, 161.0)
    assert flood.filter(later)
    assert later.suppressed == 4990  # type: ignore[attr-defined]
    assert all(flood.filter(record) for record in records("of our own: %s", "a file", 100, 162.0))


def test_orders_without_end_are_not_lines_without_end_and_details_are_all_there() -> None:
    flood = FloodFilter()
    for level, logged in ((logging.INFO, 240), (logging.DEBUG, 5000)):
        made = [logging.LogRecord("interject.satellite", level, "", 0, "%s", ("a timer has finished",), None)] * 5000
        assert sum(flood.filter(record) for record in made) == logged


def test_a_process_without_descriptors_says_so_once_a_minute_and_what_helps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    configure_logging(debug=False, log_format="%(levelname)s %(message)s")
    # As asyncio says it.
    error = OSError(errno.EMFILE, "Too many open files")
    for number in range(50):
        text = f"socket.accept() out of system resource\nsocket: {number}"
        logging.getLogger("asyncio").error(text, exc_info=error)
    (line,) = capsys.readouterr().err.splitlines()
    assert "no file descriptor is left (Too many open files)" in line
    assert "`ulimit -n`" in line
