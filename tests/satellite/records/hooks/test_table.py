"""Each record of the trace runs the hook that wyoming-satellite would run, with what it would write to it."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from interject.satellite.records.hooks.table import Hook, hook_call
from interject.satellite.records.hooks.wyoming_events import wyoming_event
from interject.satellite.settings import SatelliteSettings
from tests.satellite.records.hooks.records import RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(("kind", "record", "hook", "stdin"), RECORDS, ids=[kind for kind, *_ in RECORDS])
def test_a_record_runs_its_hook(kind: str, record: dict[str, Any], hook: Hook, stdin: str) -> None:
    call = hook_call(kind, {"t": 1.5, **record})
    assert call is not None
    assert (call.hook, call.stdin.decode()) == (hook, stdin)


def test_every_hook_is_run_by_a_record_and_set_by_a_setting() -> None:
    assert {hook for _, _, hook, _ in RECORDS} == set(Hook)
    settings = {field.name.replace("_", "-") for field in fields(SatelliteSettings)}
    programs = {name for name in settings if re.fullmatch(r"(?!mic|snd|wake).*-command", name)}
    assert {hook.setting for hook in Hook} == programs


def test_a_knock_that_was_taken_for_speech_ends_too() -> None:
    call = hook_call("stt-abort", {"stream": 1})
    assert call is not None
    assert call.hook is Hook.STT_STOP


@pytest.mark.parametrize("made", [hook_call, wyoming_event])
def test_a_stop_word_is_no_wake_word(made: Callable[[str, dict[str, Any]], object]) -> None:
    assert made("detection", {"name": "okay_nabu", "role": "wake"}) is not None
    assert made("detection", {"name": "stop", "role": "stop"}) is None


def test_a_murmur_is_no_transcript() -> None:
    assert hook_call("transcript", {"stream": 1, "text": ""}) is None


@pytest.mark.parametrize(("heard_ms", "runs"), [(0.0, False), (812.5, True)])
def test_an_interruption_ends_what_sounded(heard_ms: float, runs: bool) -> None:
    call = hook_call("interrupt", {"epoch": 1, "reason": "speech", "heard": "", "heard_ms": heard_ms})
    assert (call is not None and call.hook is Hook.TTS_PLAYED) is runs


@pytest.mark.parametrize("kind", ["phase", "partial", "duck", ""])
def test_other_records_run_nothing(kind: str) -> None:
    assert hook_call(kind, {}) is None


@pytest.mark.parametrize("kind", [kind for kind, *_ in RECORDS])
def test_a_record_without_its_fields_does_no_harm(kind: str) -> None:
    hook_call(kind, {})


def test_half_a_surrogate_pair_is_a_question_mark() -> None:
    call = hook_call("transcript", {"text": "a\ud800b"})
    assert call is not None
    assert call.stdin == b"a?b"
