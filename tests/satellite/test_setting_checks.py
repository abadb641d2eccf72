"""Settings that contradict each other are told before anything starts; what follows from others need not be given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.satellite.settings import (
    PipelineKind,
    SatelliteSettings,
    WakeEngine,
    WakeSource,
    WakeWordName,
    WordThreshold,
    turn_settings,
)
from interject.satellite.turn.settings import BargeIn, Endpointing, Judgement, TurnStart
from interject.wire.errors import SettingError
from interject.wire.settings import load

if TYPE_CHECKING:
    from pathlib import Path

HOME_ASSISTANT = "--pipeline home-assistant"


def settings(flags: str) -> SatelliteSettings:
    return load(SatelliteSettings, prefix="satellite", argv=flags.split(), environ={}, description="")


@pytest.mark.parametrize(
    ("flags", "key", "remedy"),
    [
        ("--no-vad", "vad", "always on"),
        (f"--text {HOME_ASSISTANT}", "text", "--pipeline direct"),
        ("--endpointing home-assistant", "endpointing", "--pipeline home-assistant"),
        ("--wake-word home-assistant", "wake-word", "--pipeline home-assistant"),
        ("--wake-word remote", "wake-word", "--wake-uri"),
        ("--wake-word-name alexa Kitchen", "wake-word-name", "--pipeline home-assistant"),
        ("--barge-in wake-word", "barge-in", "--wake-word-name"),
        (f"--barge-in stop-word {HOME_ASSISTANT}", "barge-in", "--stop-word-name"),
        ("--wake-uri tcp://127.0.0.1:1 --wake-word-name alexa --wake-threshold alexa=0.5", "wake-threshold", "service"),
        ("--stt-uri 127.0.0.1:10300", "stt-uri", "tcp://HOST:PORT"),
        ("--wake-uri http://127.0.0.1:10400", "wake-uri", "tcp://HOST:PORT"),
    ],
)
def test_a_contradiction_is_told_with_what_to_do(flags: str, key: str, remedy: str) -> None:
    with pytest.raises(SettingError) as told:
        settings(flags)
    assert told.value.key == key
    assert remedy in told.value.reason


@pytest.mark.parametrize(
    "flags",
    [
        "--text",
        f"{HOME_ASSISTANT} --endpointing home-assistant --wake-word home-assistant",
        f"{HOME_ASSISTANT} --wake-word-name alexa Kitchen --barge-in wake-word",
        f"{HOME_ASSISTANT} --barge-in stop-word --stop-word-name stop --wake-threshold stop=0.5",
        f"{HOME_ASSISTANT} --barge-in stop-word --stt-uri tcp://127.0.0.1:10300",
        "--barge-in stop-word",
        "--wake-word local --wake-threshold okay_nabu=0.5",
        # What a file says is switched off for once.
        "--wake-word none --wake-word-name alexa --wake-uri tcp://127.0.0.1:10400",
    ],
)
def test_what_makes_sense_together_is_taken(flags: str) -> None:
    settings(flags)


@pytest.mark.parametrize(
    ("flags", "source", "names"),
    [
        ("", WakeSource.NONE, ()),
        ("--wake-word local", WakeSource.LOCAL, ("okay_nabu",)),
        ("--wake-word-name alexa", WakeSource.LOCAL, ("alexa",)),
        ("--wake-uri tcp://127.0.0.1:10400", WakeSource.REMOTE, ()),
        ("--wake-uri tcp://127.0.0.1:10400 --wake-word-name alexa", WakeSource.REMOTE, ("alexa",)),
        ("--wake-uri tcp://127.0.0.1:10400 --wake-word local", WakeSource.LOCAL, ("okay_nabu",)),
        (HOME_ASSISTANT, WakeSource.HOME_ASSISTANT, ()),
        (f"{HOME_ASSISTANT} --wake-word none", WakeSource.NONE, ()),
        (f"{HOME_ASSISTANT} --wake-word-name alexa", WakeSource.LOCAL, ("alexa",)),
        (f"{HOME_ASSISTANT} --wake-uri tcp://127.0.0.1:10400", WakeSource.REMOTE, ()),
    ],
)
def test_who_listens_for_wake_words_follows_from_what_is_given(
    flags: str, source: WakeSource, names: tuple[str, ...]
) -> None:
    loaded = settings(flags)
    assert loaded.wake_word is source
    assert tuple(word.name for word in loaded.wake_word_name) == names


def test_a_wake_word_starts_turns_where_one_is_listened_for() -> None:
    assert turn_settings(settings("")).turn_start is TurnStart.SPEECH
    assert turn_settings(settings("--wake-word local")).turn_start is TurnStart.WAKE_WORD
    assert turn_settings(settings(HOME_ASSISTANT)).turn_start is TurnStart.WAKE_WORD


def test_words_decide_where_somebody_can_be_asked_for_them() -> None:
    assert turn_settings(settings("")).judgement is Judgement.WORDS
    assert turn_settings(settings(f"{HOME_ASSISTANT} --stt-uri tcp://127.0.0.1:10300")).judgement is Judgement.WORDS
    assert turn_settings(settings(HOME_ASSISTANT)).judgement is Judgement.DURATION


def test_choices_reach_the_turn_machine() -> None:
    chosen = turn_settings(settings(f"{HOME_ASSISTANT} --wake-word local --barge-in wake-word"))
    assert chosen.barge_in is BargeIn.WAKE_WORD
    assert chosen.endpointing is Endpointing.EVIDENCE
    assert turn_settings(settings(f"{HOME_ASSISTANT} --endpointing home-assistant")).endpointing is (
        Endpointing.HOME_ASSISTANT
    )


def test_words_are_set_from_a_file(tmp_path: Path) -> None:
    config = tmp_path / "satellite.toml"
    config.write_text(
        '[satellite]\npipeline = "home-assistant"\nwake-word-name = ["okay_nabu", ["alexa", "Upper floor"]]\n'
        'stop-word-name = ["stop"]\nwake-engine = "open"\nwake-threshold = ["okay_nabu=0.7", "stop=1"]\n',
        encoding="utf-8",
    )
    loaded = settings(f"--config {config}")
    assert loaded.pipeline is PipelineKind.HOME_ASSISTANT
    assert loaded.wake_word_name == (WakeWordName("okay_nabu"), WakeWordName("alexa", "Upper floor"))
    assert loaded.wake_engine is WakeEngine.OPEN
    assert loaded.wake_threshold == (WordThreshold("okay_nabu", 0.7), WordThreshold("stop", 1.0))


@pytest.mark.parametrize(
    ("flags", "accepted"),
    [
        ("--wake-threshold 0.7", "NAME=0.7"),
        ("--wake-threshold alexa=1.5", "NAME=0.7"),
        ("--wake-threshold alexa=nan", "NAME=0.7"),
        ("--wake-word-name alexa Kitchen extra", "NAME [PIPELINE]"),
        ("--timer-finished-wav-repeat 0 1", "N DELAY"),
        ("--timer-finished-wav-repeat 1.5 1", "N DELAY"),
        ("--timer-finished-wav-repeat 1 nan", "N DELAY"),
        ("--wake-word both", "none | local | remote | home-assistant"),
    ],
)
def test_a_value_that_says_nothing_is_told_with_how_to_write_it(flags: str, accepted: str) -> None:
    with pytest.raises(SettingError) as told:
        settings(flags)
    assert flags.split(maxsplit=1)[0] == told.value.key
    assert accepted in told.value.reason
