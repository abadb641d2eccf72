"""Each flag of wyoming-satellite 1.4.1 is understood as it was there, or its answer names what takes its place."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from interject.satellite.settings import PipelineKind, Repeat, SatelliteSettings, WakeSource, WakeWordName
from interject.wire.errors import SettingError
from interject.wire.settings import describe_refused, load

# A flag with its values, the field it fills, and what is there then.
UNDERSTOOD: list[tuple[str, str, Any]] = [
    ("--uri tcp://0.0.0.0:10701", "uri", "tcp://0.0.0.0:10701"),
    ("--uri unix:///run/satellite.sock", "uri", "unix:///run/satellite.sock"),
    ("--name kitchen", "name", "kitchen"),
    ("--area upstairs", "area", "upstairs"),
    ("--mic-command arecord", "mic_command", "arecord"),
    ("--mic-command-rate 48000", "mic_command_rate", 48_000),
    ("--mic-command-width 4", "mic_command_width", 4),
    ("--mic-command-channels 2", "mic_command_channels", 2),
    ("--mic-command-samples-per-chunk 2048", "mic_command_samples_per_chunk", 2048),
    ("--mic-volume-multiplier 1.5", "mic_volume_multiplier", 1.5),
    ("--mic-noise-suppression 4", "mic_noise_suppression", 4),
    ("--mic-auto-gain 31", "mic_auto_gain", 31),
    ("--mic-seconds-to-mute-after-awake-wav 0.7", "mic_seconds_to_mute_after_awake_wav", 0.7),
    ("--mic-no-mute-during-awake-wav", "mic_no_mute_during_awake_wav", True),
    ("--mic-channel-index 1", "mic_channel_index", 1),
    ("--snd-command aplay", "snd_command", "aplay"),
    ("--snd-command-rate 44100", "snd_command_rate", 44_100),
    ("--snd-command-width 4", "snd_command_width", 4),
    ("--snd-command-channels 2", "snd_command_channels", 2),
    ("--snd-volume-multiplier 0.5", "snd_volume_multiplier", 0.5),
    ("--wake-uri tcp://127.0.0.1:10400", "wake_uri", "tcp://127.0.0.1:10400"),
    ("--wake-uri tcp://127.0.0.1:10400", "wake_word", WakeSource.REMOTE),
    ("--wake-word-name ok_nabu", "wake_word_name", (WakeWordName("ok_nabu"),)),
    (
        "--pipeline home-assistant --wake-word-name ok_nabu --wake-word-name alexa Kitchen",
        "wake_word_name",
        (WakeWordName("ok_nabu"), WakeWordName("alexa", "Kitchen")),
    ),
    ("--wake-refractory-seconds 5", "wake_refractory_seconds", 5.0),
    ("--vad", "vad", True),
    ("--vad-threshold 0.6", "vad_threshold", 0.6),
    ("--vad-wake-word-timeout 6", "vad_wake_word_timeout", 6.0),
    ("--event-uri tcp://127.0.0.1:10500", "event_uri", "tcp://127.0.0.1:10500"),
    ("--startup-command x", "startup_command", "x"),
    ("--detect-command x", "detect_command", "x"),
    ("--detection-command x", "detection_command", "x"),
    ("--transcript-command x", "transcript_command", "x"),
    ("--stt-start-command x", "stt_start_command", "x"),
    ("--stt-stop-command x", "stt_stop_command", "x"),
    ("--synthesize-command x", "synthesize_command", "x"),
    ("--tts-start-command x", "tts_start_command", "x"),
    ("--tts-stop-command x", "tts_stop_command", "x"),
    ("--tts-played-command x", "tts_played_command", "x"),
    ("--streaming-start-command x", "streaming_start_command", "x"),
    ("--streaming-stop-command x", "streaming_stop_command", "x"),
    ("--error-command x", "error_command", "x"),
    ("--connected-command x", "connected_command", "x"),
    ("--disconnected-command x", "disconnected_command", "x"),
    ("--timer-started-command x", "timer_started_command", "x"),
    ("--timer-updated-command x", "timer_updated_command", "x"),
    ("--timer-cancelled-command x", "timer_cancelled_command", "x"),
    ("--timer-finished-command x", "timer_finished_command", "x"),
    ("--awake-wav /a.wav", "awake_wav", Path("/a.wav")),
    ("--done-wav /a.wav", "done_wav", Path("/a.wav")),
    ("--timer-finished-wav /a.wav", "timer_finished_wav", Path("/a.wav")),
    ("--timer-finished-wav-repeat 3 0.75", "timer_finished_wav_repeat", Repeat(3, 0.75)),
    ("--no-zeroconf", "zeroconf", False),
    ("--zeroconf-name den", "zeroconf_name", "den"),
    ("--zeroconf-host 192.0.2.1", "zeroconf_host", "192.0.2.1"),
    ("--debug-recording-dir /tmp/audio", "debug_recording_dir", Path("/tmp/audio")),
    ("--debug", "debug", True),
    ("--log-format x", "log_format", "x"),
]
# A flag with its values, and what the answer tells to use.
REFUSED = [
    ("--mic-uri tcp://127.0.0.1:10600", ["--mic-command", "--mic-device"]),
    ("--snd-uri tcp://127.0.0.1:10601", ["--snd-command", "--snd-device"]),
    ("--wake-command listen", ["--wake-word-name", "--wake-uri"]),
    ("--wake-command-rate 16000", ["--wake-word-name", "--wake-uri"]),
    ("--wake-command-width 2", ["--wake-word-name", "--wake-uri"]),
    ("--wake-command-channels 1", ["--wake-word-name", "--wake-uri"]),
    ("--vad-trigger-level 1", ["--trigger-windows"]),
    ("--vad-buffer-seconds 2", ["--pre-roll-ms"]),
    ("--uri stdio://", ["tcp://HOST:PORT", "unix:///PATH"]),
    ("--wake-uri stdio://", ["tcp://HOST:PORT", "unix:///PATH"]),
    ("--event-uri stdio://", ["tcp://HOST:PORT", "unix:///PATH"]),
]
# The line that wyoming-satellite's tutorial ends with, and flags that its README has.
TUTORIAL = """
  --name 'my satellite' --uri 'tcp://0.0.0.0:10700'
  --mic-command 'arecord -D plughw:CARD=seeed2micvoicec,DEV=0 -r 16000 -c 1 -f S16_LE -t raw'
  --snd-command 'aplay -D plughw:CARD=seeed2micvoicec,DEV=0 -r 22050 -c 1 -f S16_LE -t raw'
"""
WAKE = "--wake-uri 'tcp://127.0.0.1:10400' --wake-word-name 'ok_nabu' --event-uri 'tcp://127.0.0.1:10500'"
SOUNDS = "--awake-wav /s/awake.wav --done-wav /s/done.wav --timer-finished-wav /s/timer.wav --mic-auto-gain 5 --vad"


def settings(*argv: str, **environ: str) -> SatelliteSettings:
    return load(SatelliteSettings, prefix="satellite", argv=argv, environ=environ, description="")


@pytest.mark.parametrize(("flags", "name", "value"), UNDERSTOOD)
def test_a_flag_means_what_it_meant(flags: str, name: str, value: Any) -> None:
    assert getattr(settings(*flags.split()), name) == value


@pytest.mark.parametrize(("flags", "remedies"), REFUSED)
def test_a_flag_that_is_gone_is_answered_with_what_takes_its_place(flags: str, remedies: list[str]) -> None:
    flag, value = flags.split()
    with pytest.raises(SettingError) as told:
        settings(flag, value)
    assert flag.strip("-") in told.value.key
    assert all(remedy in str(told.value) for remedy in remedies)


@pytest.mark.parametrize(
    ("more", "source"),
    [
        ("", WakeSource.HOME_ASSISTANT),
        (WAKE, WakeSource.REMOTE),
        (f"{SOUNDS} --wake-word-name hey_jarvis Kitchen", WakeSource.LOCAL),
    ],
)
def test_the_tutorials_command_line_works_with_home_assistant_as_it_did(more: str, source: WakeSource) -> None:
    given = settings(*shlex.split(TUTORIAL + more))
    assert given.pipeline is PipelineKind.HOME_ASSISTANT
    assert given.wake_word is source
    assert given.name == "my satellite"


@pytest.mark.parametrize(
    "flags",
    [
        f"{TUTORIAL} --pipeline direct",
        f"{TUTORIAL} --stt-uri tcp://127.0.0.1:10300",
        f"{TUTORIAL} --llm-uri tcp://127.0.0.1:10800",
        f"{TUTORIAL} --tts-uri tcp://127.0.0.1:10200",
        f"{TUTORIAL} --text",
        "--mic-command arecord --snd-command aplay --wake-uri tcp://127.0.0.1:10400 --wake-word-name ok_nabu",
        "--uri tcp://0.0.0.0:10700 --name kitchen",
        "--awake-wav /s/awake.wav",
        "",
    ],
)
def test_servers_of_ours_are_used_where_that_is_not_how_wyoming_satellite_is_started(flags: str) -> None:
    assert settings(*shlex.split(flags)).pipeline is PipelineKind.DIRECT


def test_the_tutorials_settings_work_from_a_file_too(tmp_path: Path) -> None:
    config = tmp_path / "satellite.toml"
    config.write_text('[satellite]\nmic-command = "arecord"\n', encoding="utf-8")
    given = settings("--config", str(config), INTERJECT_SATELLITE_URI="tcp://0.0.0.0:10700")
    assert given.pipeline is PipelineKind.HOME_ASSISTANT


def test_every_refused_setting_is_in_the_table_and_names_settings_that_exist() -> None:
    refused = describe_refused(SatelliteSettings)
    assert {f"--{key}" for key in refused} == {flags.split()[0] for flags, _ in REFUSED if "stdio:" not in flags}
    for _, remedies in REFUSED:
        for remedy in remedies:
            if remedy.startswith("--"):
                assert hasattr(settings(), remedy.strip("-").replace("-", "_"))


def test_a_setting_that_is_gone_is_answered_from_the_environment_and_the_file_too(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"INTERJECT_SATELLITE_MIC_URI: .*--mic-command"):
        settings(INTERJECT_SATELLITE_MIC_URI="tcp://127.0.0.1:10600")
    config = tmp_path / "satellite.toml"
    config.write_text("[satellite]\nvad-buffer-seconds = 2\n", encoding="utf-8")
    with pytest.raises(SettingError, match=r"\[satellite\] vad-buffer-seconds: .*--pre-roll-ms"):
        settings("--config", str(config))


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        settings("--version")
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip()


def test_settings_that_are_gone_are_not_offered(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        settings("--help")
    assert "--mic-uri" not in capsys.readouterr().out
    with pytest.raises(SettingError) as told:
        settings(INTERJECT_SATELLITE_MIC_URIS="x")
    assert "MIC_URI or" not in str(told.value)
    assert "MIC_URI?" not in str(told.value)
