"""Each record of the trace runs the hook that wyoming-satellite would run, with what it would write to it."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from interject.satellite.records import conversation as talk
from interject.satellite.records.event_service import wyoming_event
from interject.satellite.records.hooks.table import Hook, hook_call
from interject.satellite.settings import SatelliteSettings
from tests.satellite.records.hooks.records import RECORDS, interrupted, understood

if TYPE_CHECKING:
    from interject.wire.trace import Record


@pytest.mark.parametrize(("record", "hook", "stdin"), RECORDS, ids=[record.KIND for record, *_ in RECORDS])
def test_a_record_runs_its_hook(record: Record, hook: Hook, stdin: str) -> None:
    call = hook_call(record)
    assert call is not None
    assert (call.hook, call.stdin.decode()) == (hook, stdin)


def test_every_hook_is_run_by_a_record_and_set_by_a_setting() -> None:
    assert {hook for _, hook, _ in RECORDS} == set(Hook)
    settings = {field.name.replace("_", "-") for field in fields(SatelliteSettings)}
    programs = {name for name in settings if re.fullmatch(r"(?!mic|snd|wake).*-command", name)}
    assert {hook.setting for hook in Hook} == programs


def test_a_knock_that_was_taken_for_speech_ends_too() -> None:
    call = hook_call(talk.SttAborted(1))
    assert call is not None
    assert call.hook is Hook.STT_STOP


def test_a_stop_word_is_no_wake_word() -> None:
    wake, stop = (
        talk.WordDetected("okay_nabu", "okay nabu", "wake", 0.0),
        talk.WordDetected("stop", "stop", "stop", 0.0),
    )
    assert hook_call(wake) is not None
    assert wyoming_event(wake, 1.0) is not None
    assert hook_call(stop) is None
    assert wyoming_event(stop, 1.0) is None


def test_a_murmur_is_no_transcript() -> None:
    assert hook_call(understood("")) is None


@pytest.mark.parametrize(("heard_ms", "runs"), [(0.0, False), (812.5, True)])
def test_an_interruption_ends_what_sounded(heard_ms: float, runs: bool) -> None:
    call = hook_call(interrupted(heard_ms))
    assert (call is not None and call.hook is Hook.TTS_PLAYED) is runs


@pytest.mark.parametrize("record", [talk.PhaseChanged("idle", "listening", "tick", 0.0, 0.0), talk.ErrorCued()])
def test_other_records_run_nothing(record: Record) -> None:
    assert hook_call(record) is None


def test_half_a_surrogate_pair_is_a_question_mark() -> None:
    call = hook_call(understood("a\ud800b"))
    assert call is not None
    assert call.stdin == b"a?b"
