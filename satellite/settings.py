"""Every setting of the satellite; names are those of wyoming-satellite where it has the setting."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

from satellite.speaking.player import PlayerSettings
from satellite.turn.settings import BargeIn, TurnSettings
from wire.logs import DEFAULT_FORMAT
from wire.settings import option

_TURN = TurnSettings()
_PLAYER = PlayerSettings()


class Audio(Enum):
    """Where sound comes from and goes to."""

    DEVICE = "device"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class SatelliteSettings:
    """The satellite's flags, variables and file keys."""

    uri: str = option("tcp://0.0.0.0:10700", "where the satellite itself listens: tcp://HOST:PORT or unix:///PATH")
    name: str = option("Interject satellite", "name of the satellite, shown to people")
    area: str | None = option(None, "area of the house that the satellite is in")
    stt_uri: str | None = option(None, "speech-to-text server (default: found by zeroconf)")
    llm_uri: str | None = option(None, "LLM bridge (default: found by zeroconf)")
    tts_uri: str | None = option(None, "text-to-speech server (default: found by zeroconf)")
    language: str | None = option(None, "language of the conversation, such as en or de-DE (default: the servers')")
    voice: str | None = option(None, "voice of the replies, by its name at the text-to-speech server")
    conversation_id: str | None = option(None, "conversation that the bridge remembers (default: one per satellite)")
    text: bool = option(False, "type instead of speaking; no sound card is needed")

    audio: Audio = option(Audio.DEVICE, "device: sound card or commands; simulated: a room in software")
    mic_device: str | None = option(None, "microphone, by a part of its name or by its index; see --list-devices")
    snd_device: str | None = option(None, "loudspeaker, by a part of its name or by its index")
    list_devices: bool = option(False, "print the sound devices and exit")
    mic_channel_index: int | None = option(None, "which channel of the microphone to use", minimum=0)
    mic_volume_multiplier: float = option(1.0, "gain of the microphone", minimum=0, maximum=100)
    mic_noise_suppression: int = option(0, "noise suppression, 0 is off", minimum=0, maximum=4)
    mic_auto_gain: int = option(0, "automatic gain up to so many dB, 0 is off", minimum=0, maximum=31)
    snd_volume_multiplier: float = option(1.0, "gain of replies", minimum=0, maximum=100)
    mic_command: str | None = option(None, "program that writes raw microphone audio to its standard output")
    mic_command_rate: int = option(16_000, "sample rate of --mic-command, Hz", minimum=8_000, maximum=192_000)
    mic_command_width: int = option(2, "bytes per sample of --mic-command", minimum=1, maximum=4)
    mic_command_channels: int = option(1, "channels of --mic-command", minimum=1, maximum=32)
    mic_command_samples_per_chunk: int = option(
        1024, "samples read at a time from --mic-command", minimum=80, maximum=16_384
    )
    snd_command: str | None = option(None, "program that plays raw audio from its standard input")
    snd_command_rate: int = option(22_050, "sample rate of --snd-command, Hz", minimum=8_000, maximum=192_000)
    snd_command_width: int = option(2, "bytes per sample of --snd-command", minimum=1, maximum=4)
    snd_command_channels: int = option(1, "channels of --snd-command", minimum=1, maximum=32)

    room_script: Path | None = option(None, "JSON file of what is said in the simulated room")
    room_record_dir: Path | None = option(None, "folder for recordings of the simulated room")
    room_echo_db: float = option(
        -40.0, "level of the loudspeaker at the simulated microphone", minimum=-120, maximum=40
    )
    room_noise_db: float = option(-60.0, "noise in the simulated room, dBFS", minimum=-120, maximum=0)

    barge_in: BargeIn = option(_TURN.barge_in, "what interrupts a reply: any speech, a stop word only, or nothing")
    vad_threshold: float = option(_TURN.vad_threshold, "speech probability that counts", minimum=0.01, maximum=0.99)
    vad_hysteresis: float = option(
        _TURN.vad_hysteresis, "how much less counts once speech has begun", minimum=0, maximum=0.9
    )
    trigger_windows: int = option(
        _TURN.trigger_windows, "voiced windows of 32 ms in a row that duck the reply", minimum=1, maximum=30
    )
    utterance_gap_ms: float = option(_TURN.utterance_gap_ms, "silence that ends an utterance", minimum=32, maximum=2000)
    confirm_speech_ms: float = option(
        _TURN.confirm_speech_ms, "speech within --confirm-within-ms that pauses the reply", minimum=32, maximum=5000
    )
    confirm_within_ms: float = option(
        _TURN.confirm_within_ms, "time in which --confirm-speech-ms must be reached", minimum=32, maximum=5000
    )
    min_speech_ms: float = option(_TURN.min_speech_ms, "speech shorter than this is a knock", minimum=0, maximum=2000)
    word_speech_ms: float = option(
        _TURN.word_speech_ms, "speech after which a stable word takes the floor", minimum=32, maximum=10_000
    )
    commit_speech_ms: float = option(
        _TURN.commit_speech_ms, "speech that takes the floor whatever it says", minimum=32, maximum=10_000
    )
    commit_backchannel_ms: float = option(
        _TURN.commit_backchannel_ms, "the same while it sounds like a backchannel", minimum=32, maximum=10_000
    )
    undecided_ms: float = option(
        _TURN.undecided_ms, "how long a reply stays paused at most before it goes on", minimum=100, maximum=10_000
    )
    pre_roll_ms: float = option(
        _TURN.pre_roll_ms, "audio before the first voiced window that STT gets", minimum=100, maximum=2500
    )
    endpoint_silence_ms: float = option(
        _TURN.endpoint_silence_ms, "silence that ends the user's turn", minimum=100, maximum=10_000
    )
    vad_release_ms: float = option(
        _TURN.vad_release_ms, "how much later than a voice its last voiced window ends", minimum=0, maximum=500
    )
    listen_max_s: float = option(_TURN.listen_max_s, "longest turn of the user", minimum=1, maximum=300)
    stt_timeout_s: float = option(_TURN.stt_timeout_s, "longest wait for a transcript", minimum=1, maximum=300)
    reply_timeout_s: float = option(_TURN.reply_timeout_s, "longest wait for a reply", minimum=1, maximum=3600)
    duck_db: float = option(_PLAYER.duck_db, "level of a ducked reply", minimum=-60, maximum=0)
    duck_ms: float = option(_PLAYER.duck_ms, "how fast a reply ducks", minimum=1, maximum=1000)
    unduck_ms: float = option(_PLAYER.unduck_ms, "how fast a ducked reply comes back", minimum=1, maximum=2000)
    pause_fade_ms: float = option(_PLAYER.pause_fade_ms, "fade when a reply pauses", minimum=1, maximum=500)
    resume_fade_ms: float = option(_PLAYER.resume_fade_ms, "fade when a reply goes on", minimum=1, maximum=500)
    stt_failures_to_text: int = option(
        _TURN.stt_failures_to_text, "failures of the STT server in a row until text mode is offered", minimum=1
    )

    zeroconf: bool = option(True, "let Home Assistant find the satellite on the network")
    zeroconf_name: str | None = option(None, "instance name on the network (default: from the MAC address)")
    zeroconf_host: str | None = option(None, "address to announce (default: found)")
    trace_file: Path | None = option(None, "file to append a record of everything that happens to, as JSON lines")
    debug: bool = option(False, "log details")
    log_format: str = option(DEFAULT_FORMAT, "format of log lines, as in Python's logging")


def turn_settings(settings: SatelliteSettings) -> TurnSettings:
    """Take the numbers of turn-taking out of the settings."""
    return TurnSettings(**_shared(settings, TurnSettings))


def player_settings(settings: SatelliteSettings) -> PlayerSettings:
    """Take the numbers of playback out of the settings."""
    return PlayerSettings(**_shared(settings, PlayerSettings))


def _shared(settings: SatelliteSettings, part: type[TurnSettings | PlayerSettings]) -> dict[str, Any]:
    names = {field.name for field in fields(part)} & {field.name for field in fields(SatelliteSettings)}
    return {name: getattr(settings, name) for name in names}
