"""`interject-satellite why`: what was decided is kept over a restart, and put in words that say upon what."""

from __future__ import annotations

import asyncio
import json
import stat
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from interject.satellite.records.conversation import (
    Decided,
    PhaseChanged,
    PlaybackPaused,
    PlaybackResumed,
    ReplyInterrupted,
)
from interject.satellite.records.device import EmptyInterruption
from interject.satellite.records.why import KEPT, KEPT_S, DecisionLog, NoDecisionsError, decisions_file, run_why
from interject.satellite.turn.events import CancelReason
from interject.satellite.turn.floor import Rule
from tools.testing.patience import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from interject.wire.trace import Record

SAID = Decided(
    stream=1,
    rule="words",
    takes_floor=True,
    text="what time is it",
    confidence=0.93,
    speech_ms=640.0,
    softer_db=2.0,
    late=False,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "interject"


async def keep(folder: Path, *records: Record, name: str = "kitchen") -> None:
    """Have a satellite keep records, and end."""
    log = DecisionLog(decisions_file(folder, name))
    running = asyncio.create_task(log.run())
    await asyncio.sleep(0)
    for record in records:
        log.emit(record)
    await eventually(lambda: not log.unwritten, "the decisions to be written")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> list[str]:
    assert run_why(argv) == 0
    return capsys.readouterr().out.splitlines()


def test_a_cut_is_told_once_with_its_words_and_evidence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = ReplyInterrupted(epoch=1, reason="stop-word", heard="Once upon a time", heard_ms=900.0)
    asyncio.run(keep(folder, PhaseChanged("thinking", "speaking", "tick", 0.0, 0.0), SAID, cut))
    (line,) = told(capsys)
    assert '"what time is it" (640 ms of voice, confidence 0.93, 2 dB softer than usual)' in line
    assert "so the reply was cut [words]" in line


def test_what_was_not_said_but_done_is_told_with_what_was_heard(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(keep(folder, ReplyInterrupted(epoch=1, reason="wake-word", heard="Once upon a time", heard_ms=900.0)))
    (line,) = told(capsys)
    assert 'because the wake word was heard; heard so far: "Once upon a time"' in line


def test_a_pause_for_nothing_is_told_and_one_for_words_leaves_it_to_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paused = PlaybackPaused(1000.0, 0.0, probability=0.9, is_echo=False, speech_ms=200.0, text="", side_speech=False)
    resumed = PlaybackResumed(
        1000.0, 180.0, probability=0.2, is_echo=False, speech_ms=220.0, text="", side_speech=False
    )
    records = (
        paused,
        resumed,
        replace(resumed, text="uh-huh"),
        replace(SAID, rule="backchannel", takes_floor=False, text="uh-huh"),
    )
    asyncio.run(keep(folder, *records))
    nothing, murmur = told(capsys)
    assert "paused for 220 ms of voice, and went on 180 ms back: no words came" in nothing
    assert murmur.endswith("so the reply went on [backchannel]")


def test_decisions_outlive_a_restart_and_the_oldest_go(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(keep(folder, *(replace(SAID, text=f"number {number}") for number in range(KEPT))))
    asyncio.run(keep(folder, EmptyInterruption(echo_db=-20.0)))
    lines = told(capsys)
    assert len(lines) == KEPT
    assert '"number 1"' in lines[0]
    assert "it may have been the satellite's own" in lines[-1]


def test_only_the_owner_may_read_what_was_said(folder: Path) -> None:
    asyncio.run(keep(folder, SAID))
    assert stat.S_IMODE((folder / "why-kitchen.json").stat().st_mode) == 0o600


def test_a_satellite_is_found_by_its_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(keep(folder, replace(SAID, text="in the kitchen")))
    asyncio.run(keep(folder, replace(SAID, text="in the bath"), name="bath"))
    assert '"in the kitchen"' in told(capsys, "--name", "Kitchen")[0]
    assert '"in the bath"' in told(capsys)[0]
    with pytest.raises(NoDecisionsError, match="no satellite called 'attic' has kept a decision"):
        run_why(("--name", "attic"))


def test_every_rule_and_every_reason_has_its_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    decided = [replace(SAID, rule=rule.value, takes_floor=False) for rule in Rule]
    asyncio.run(keep(folder, *decided))
    for rule, line in zip(Rule, told(capsys), strict=True):
        assert f": {rule.value} [" not in line
    by_words = {CancelReason.SPEECH, CancelReason.EARLY}
    cuts = [ReplyInterrupted(1, reason.value, "", 0.0) for reason in CancelReason if reason not in by_words]
    asyncio.run(keep(folder, *cuts))
    assert len(told(capsys)) == len(Rule) + len(cuts)


def test_what_was_said_is_forgotten_after_a_day(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(keep(folder, replace(SAID, text="a secret")))
    monkeypatch.setattr("interject.satellite.records.why.time", SimpleNamespace(time=lambda: time.time() + KEPT_S + 1))
    with pytest.raises(NoDecisionsError):
        run_why(())
    asyncio.run(keep(folder, replace(SAID, text="today")))
    assert "a secret" not in (folder / "why-kitchen.json").read_text()


def test_what_another_version_kept_is_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(keep(folder, SAID))
    file = folder / "why-kitchen.json"
    kept = json.loads(file.read_text())
    foreign = [
        {"type": "decided", "at": time.time()},
        {"type": "decided"},
        {"at": "noon"},
        7,
        {"type": "new", "at": 1.0},
    ]
    file.write_text(json.dumps({"decisions": [*foreign, *kept["decisions"]]}))
    assert len(told(capsys)) == 1
