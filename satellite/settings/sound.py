"""Settings of microphone, loudspeaker and the simulated room."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

from interject.satellite.aec.engines import CancellerKind
from interject.satellite.audio.player import PlayerSettings
from interject.wire.settings import option, refused

_PLAYER = PlayerSettings()


class Audio(Enum):
    """Where sound comes from and goes to."""

    DEVICE = "device"
    SIMULATED = "simulated"


# No slots: a class cannot inherit from several that have some.
@dataclass(frozen=True)
class SoundSettings:
    """How the satellite hears and is heard."""

    GROUP: ClassVar[str] = "Sound"
    TABLE: ClassVar[str] = "audio"
    FIRST: ClassVar[tuple[str, ...]] = ("mic_device", "snd_device", "list_devices")

    audio: Audio = option(Audio.DEVICE, "device: sound card or commands; simulated: a room in software")
    mic_device: str | None = option(None, "microphone, by a part of its name or by its index; see --list-devices")
    snd_device: str | None = option(None, "loudspeaker, by a part of its name or by its index")
    list_devices: bool = option(False, "print the sound devices and exit")
    mic_channel_index: int | None = option(None, "which channel of the microphone to use", minimum=0)
    mic_volume_multiplier: float = option(1.0, "gain of the microphone", minimum=0, maximum=100)
    mic_noise_suppression: int = option(0, "noise suppression, 0 is off", minimum=0, maximum=4)
    mic_auto_gain: int = option(0, "automatic gain up to so many dB, 0 is off", minimum=0, maximum=31)
    echo_canceller: CancellerKind = option(
        CancellerKind.KALMAN,
        "what takes the echo out of the microphone; hardware: the microphone itself does; aec3: another "
        "library, to compare",
    )
    echo_memory: Path | None = option(
        None,
        "file that keeps what is known of the echo (default: interject/echo.json in XDG_STATE_HOME or ~/.local/state; "
        "none with --audio simulated)",
    )
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

    mic_uri: None = refused("there is no microphone service; use --mic-device, or --mic-command with a program")
    snd_uri: None = refused("there is no loudspeaker service; use --snd-device, or --snd-command with a program")


@dataclass(frozen=True)
class RoomSettings:
    """The room that --audio simulated puts in place of a sound card."""

    GROUP: ClassVar[str] = "The simulated room: for tries without a sound card"
    TABLE: ClassVar[str] = "room"

    room_script: Path | None = option(
        None, "JSON file of what is said in the simulated room, and when: docs/hearing.md (default: nobody speaks)"
    )
    room_record_dir: Path | None = option(None, "folder for recordings of the simulated room")
    room_echo_db: float = option(
        -40.0, "level of the loudspeaker at the simulated microphone", minimum=-120, maximum=40
    )
    room_noise_db: float = option(-60.0, "noise in the simulated room, dBFS", minimum=-120, maximum=0)


@dataclass(frozen=True)
class LevelSettings:
    """How fast and how far a reply gives way."""

    GROUP: ClassVar[str] = "Ducks and fades"
    TABLE: ClassVar[str] = "levels"
    EXPERT: ClassVar[bool] = True

    duck_db: float = option(_PLAYER.duck_db, "level of a ducked reply", minimum=-60, maximum=0)
    duck_ms: float = option(_PLAYER.duck_ms, "how fast a reply ducks", minimum=1, maximum=1000)
    unduck_ms: float = option(_PLAYER.unduck_ms, "how fast a ducked reply comes back", minimum=1, maximum=2000)
    pause_fade_ms: float = option(_PLAYER.pause_fade_ms, "fade when a reply pauses", minimum=1, maximum=500)
    resume_fade_ms: float = option(_PLAYER.resume_fade_ms, "fade when a reply goes on", minimum=1, maximum=500)
