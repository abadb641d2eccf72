"""Every setting of the satellite; names are those of wyoming-satellite where it has the setting."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

from satellite.settings.reactions import HookSettings, Repeat, SignalSettings
from satellite.settings.sound import Audio, SoundSettings
from satellite.settings.turn_taking import TurnTakingSettings
from satellite.settings.wake import WakeEngine, WakeSettings, WakeSource, WakeWordName, WordThreshold
from satellite.speaking.player import PlayerSettings
from satellite.turn.settings import Judgement, TurnSettings, TurnStart
from wire.logs import DEFAULT_FORMAT
from wire.settings import option

__all__ = [
    "Audio",
    "PipelineKind",
    "Repeat",
    "SatelliteSettings",
    "WakeEngine",
    "WakeSource",
    "WakeWordName",
    "WordThreshold",
    "player_settings",
    "turn_settings",
]


class PipelineKind(Enum):
    """Who runs a conversation."""

    DIRECT = "direct"
    HOME_ASSISTANT = "home-assistant"


@dataclass(frozen=True)
class _ServiceSettings:
    """The satellite as a service, and those that it uses."""

    uri: str = option("tcp://0.0.0.0:10700", "where the satellite itself listens: tcp://HOST:PORT or unix:///PATH")
    name: str = option("Interject satellite", "name of the satellite, shown to people")
    area: str | None = option(None, "area of the house that the satellite is in")
    pipeline: PipelineKind = option(
        PipelineKind.DIRECT, "who runs a conversation: this satellite with three servers, or Home Assistant"
    )
    stt_uri: str | None = option(None, "speech-to-text server (default: found by zeroconf)")
    llm_uri: str | None = option(None, "LLM bridge (default: found by zeroconf)")
    tts_uri: str | None = option(None, "text-to-speech server (default: found by zeroconf)")
    language: str | None = option(None, "language of the conversation, such as en or de-DE (default: the servers')")
    voice: str | None = option(None, "voice of the replies, by its name at the text-to-speech server")
    conversation_id: str | None = option(None, "conversation that the bridge remembers (default: one per satellite)")
    text: bool = option(False, "type instead of speaking; no sound card is needed")


@dataclass(frozen=True)
class _ProcessSettings:
    """How the satellite is found, and what it tells about itself."""

    zeroconf: bool = option(True, "let Home Assistant find the satellite on the network")
    zeroconf_name: str | None = option(None, "instance name on the network (default: from the MAC address)")
    zeroconf_host: str | None = option(None, "address to announce (default: found)")
    trace_file: Path | None = option(None, "file to append a record of everything that happens to, as JSON lines")
    debug: bool = option(False, "log details")
    log_format: str = option(DEFAULT_FORMAT, "format of log lines, as in Python's logging")


# The fields of the base classes come in reversed order: those of the last one first.
@dataclass(frozen=True)
class SatelliteSettings(
    _ProcessSettings, HookSettings, SignalSettings, TurnTakingSettings, WakeSettings, SoundSettings, _ServiceSettings
):
    """The satellite's flags, variables and file keys."""


def turn_settings(settings: SatelliteSettings) -> TurnSettings:
    """Take the numbers of turn-taking out of the settings."""
    open_microphone = settings.wake_word is WakeSource.NONE
    by_duration = settings.pipeline is PipelineKind.HOME_ASSISTANT and settings.stt_uri is None
    return TurnSettings(
        **_shared(settings, TurnSettings),
        turn_start=TurnStart.SPEECH if open_microphone else TurnStart.WAKE_WORD,
        judgement=Judgement.DURATION if by_duration else Judgement.WORDS,
    )


def player_settings(settings: SatelliteSettings) -> PlayerSettings:
    """Take the numbers of playback out of the settings."""
    return PlayerSettings(**_shared(settings, PlayerSettings))


def _shared(settings: SatelliteSettings, part: type[TurnSettings | PlayerSettings]) -> dict[str, Any]:
    names = {field.name for field in fields(part)} & {field.name for field in fields(SatelliteSettings)}
    return {name: getattr(settings, name) for name in names}
