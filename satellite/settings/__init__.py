"""Every setting of the satellite; names are those of wyoming-satellite where it has the setting."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from interject.satellite.audio.player import PlayerSettings
from interject.satellite.settings.checks import check
from interject.satellite.settings.reactions import HookSettings, Repeat, SignalSettings
from interject.satellite.settings.service import PipelineKind, ProcessSettings, ServiceSettings
from interject.satellite.settings.sound import Audio, LevelSettings, RoomSettings, SoundSettings
from interject.satellite.settings.turn_taking import TurnNumberSettings, TurnTakingSettings
from interject.satellite.settings.wake import WakeEngine, WakeSettings, WakeSource, WakeWordName, WordThreshold
from interject.satellite.turn.settings import Judgement, TurnSettings, TurnStart
from interject.wire.admission import AccessSettings

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


# The fields of the base classes come in reversed order: those of the last one first.
@dataclass(frozen=True)
class SatelliteSettings(
    TurnNumberSettings,
    LevelSettings,
    RoomSettings,
    AccessSettings,
    ProcessSettings,
    HookSettings,
    SignalSettings,
    TurnTakingSettings,
    WakeSettings,
    SoundSettings,
    ServiceSettings,
):
    """The satellite's flags, variables and file keys; raises SettingError where they contradict each other."""

    def __post_init__(self) -> None:
        check(self)


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
