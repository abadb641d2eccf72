from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from interject.satellite.audio.player import PlayerSettings
from interject.satellite.settings import Audio, SatelliteSettings, player_settings, turn_settings
from interject.satellite.turn.settings import BargeIn, TurnSettings
from interject.wire.errors import SettingError
from interject.wire.settings import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# One window of the VAD has the length that its model was trained on; the others follow from what else is set.
FIXED = {"window_ms", "turn_start", "judgement", "lexicon"}
CHOICES = {"barge_in", "endpointing"}


def settings(*argv: str, environ: Mapping[str, str] | None = None) -> SatelliteSettings:
    return load(SatelliteSettings, prefix="satellite", argv=argv, environ=environ or {}, description="")


def test_each_number_of_turn_taking_and_of_playback_is_a_setting() -> None:
    ours = {field.name for field in fields(SatelliteSettings)}
    assert {field.name for field in fields(TurnSettings)} - FIXED <= ours
    assert {field.name for field in fields(PlayerSettings)} <= ours


def test_defaults_are_those_of_turn_taking_and_of_playback() -> None:
    assert turn_settings(settings()) == TurnSettings()
    assert player_settings(settings()) == PlayerSettings()


@pytest.mark.parametrize("name", sorted({field.name for field in fields(TurnSettings)} - FIXED - CHOICES))
def test_each_number_reaches_the_turn_machine(name: str) -> None:
    default = getattr(TurnSettings(), name)
    other = default + 1 if default >= 1 else default + 0.05
    flag = f"--{name.replace('_', '-')}"
    assert getattr(turn_settings(settings(flag, str(other))), name) == other


def test_a_flag_overrides_a_variable_which_overrides_the_file(tmp_path: Path) -> None:
    config = tmp_path / "room.toml"
    config.write_text('[satellite]\nname = "kitchen"\nbarge-in = "off"\nendpoint-silence-ms = 700\n', encoding="utf-8")
    environ = {"INTERJECT_SATELLITE_BARGE_IN": "stop-word", "INTERJECT_SATELLITE_ENDPOINT_SILENCE_MS": "800"}
    loaded = settings("--config", str(config), "--endpoint-silence-ms", "900", environ=environ)
    assert loaded.name == "kitchen"
    assert loaded.barge_in is BargeIn.STOP_WORD
    assert turn_settings(loaded).endpoint_silence_ms == 900


HERE, EVERYWHERE = "tcp://127.0.0.1:10700", "tcp://0.0.0.0:10700"


@pytest.mark.parametrize(
    ("flags", "uri", "announced"),
    [
        ("", HERE, False),
        ("--stt-uri tcp://192.0.2.1:10300", HERE, False),
        ("--pipeline direct --home-assistant", EVERYWHERE, True),
        ("--pipeline home-assistant", EVERYWHERE, True),
        ("--pipeline home-assistant --no-zeroconf", EVERYWHERE, False),
        (f"--pipeline home-assistant --uri {HERE}", HERE, False),
        ("--pipeline home-assistant --uri unix:///run/it", "unix:///run/it", False),
        ("--home-assistant --uri tcp://192.0.2.7:1", "tcp://192.0.2.7:1", True),
        (f"--uri {EVERYWHERE}", EVERYWHERE, False),
        (f"--uri {EVERYWHERE} --zeroconf", EVERYWHERE, True),
        (f"--uri {EVERYWHERE} --mic-command arecord", EVERYWHERE, True),
        ("--text", None, False),
        ("--text --home-assistant", EVERYWHERE, True),
    ],
)
def test_it_listens_for_other_machines_where_home_assistant_is_wanted(
    flags: str, uri: str | None, announced: bool
) -> None:
    loaded = settings(*flags.split())
    assert (loaded.uri, loaded.zeroconf) == (uri, announced)


@pytest.mark.parametrize(
    ("flags", "remedy"),
    [
        ("--zeroconf", "give --home-assistant, or"),
        ("--text --zeroconf", "give --home-assistant, or"),
        ("--uri tcp://localhost:1 --zeroconf", "leave --uri out and give --home-assistant, or"),
        ("--home-assistant --uri tcp://[::1]:1 --zeroconf", "leave --uri out, or"),
        ("--pipeline home-assistant --uri unix:///run/it --zeroconf", "leave --uri out, or"),
    ],
)
def test_an_address_that_only_this_machine_reaches_is_not_announced(flags: str, remedy: str) -> None:
    with pytest.raises(SettingError, match=r"zeroconf: no other machine could reach .*--uri tcp://0\.0\.0\.0") as told:
        settings(*flags.split())
    assert remedy in str(told.value)


def test_names_of_wyoming_satellite_are_understood() -> None:
    loaded = settings(
        "--name", "kitchen", "--area", "ground floor", "--uri", "tcp://0.0.0.0:10700", "--no-zeroconf", "--debug",
        "--mic-command", "arecord -r 16000", "--mic-command-rate", "16000", "--mic-command-samples-per-chunk", "1024",
        "--snd-command", "aplay -r 22050", "--snd-command-rate", "22050", "--snd-volume-multiplier", "0.5",
        "--mic-auto-gain", "5", "--mic-noise-suppression", "2", "--mic-channel-index", "0", "--vad-threshold", "0.6",
    )  # fmt: skip
    assert loaded.mic_command == "arecord -r 16000"
    assert loaded.mic_auto_gain == 5
    assert not loaded.zeroconf
    assert turn_settings(loaded).vad_threshold == 0.6
    assert turn_settings(loaded).speaking_threshold == 0.6


@pytest.mark.parametrize(
    ("flag", "value", "accepted"),
    [
        ("--barge-in", "loudly", "speech | wake-word | stop-word | off"),
        ("--audio", "tape", " | ".join(audio.value for audio in Audio)),
        ("--vad-threshold", "2", "from 0.01 to 0.99"),
        ("--trigger-windows", "1.5", "a whole number from 1 to 30"),
        ("--endpoint-silence-ms", "nan", "a number from 100 to 10000"),
    ],
)
def test_a_bad_value_is_told_with_what_is_accepted(flag: str, value: str, accepted: str) -> None:
    with pytest.raises(SettingError) as told:
        settings(flag, value)
    assert flag in str(told.value)
    assert value in str(told.value)
    assert accepted in str(told.value)


def test_an_unknown_setting_is_told_with_its_place(tmp_path: Path) -> None:
    config = tmp_path / "room.toml"
    config.write_text("[satellite]\nbarge-inn = 1\n", encoding="utf-8")
    with pytest.raises(SettingError, match=r"barge-inn: no such setting; did you mean barge-in\?"):
        settings("--config", str(config))
    with pytest.raises(SettingError, match=r"INTERJECT_SATELLITE_BARGE: no such setting; did you mean .*BARGE_IN"):
        settings(environ={"INTERJECT_SATELLITE_BARGE": "off"})
    with pytest.raises(SettingError, match="--barge: no such flag; did you mean --barge-in"):
        settings("--barge", "off")
    with pytest.raises(SettingError, match="INTERJECT_SATELLITE_NONESUCH: no such setting; --help-all lists them all"):
        settings(environ={"INTERJECT_SATELLITE_NONESUCH": "1"})
    with pytest.raises(SettingError, match="--nonesuch: no such flag; --help-all lists them all"):
        settings("--nonesuch=1")
