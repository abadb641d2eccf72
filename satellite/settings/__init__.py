"""Every setting of the satellite; names are those of wyoming-satellite where it has the setting."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from interject.satellite.audio.player import PlayerSettings
from interject.satellite.settings.checks import check
from interject.satellite.settings.reactions import HookSettings, Repeat, SignalSettings
from interject.satellite.settings.service import PipelineKind, ProcessSettings, ServiceSettings
from interject.satellite.settings.sound import Audio, LevelSettings, RoomSettings, SoundSettings
from interject.satellite.settings.turn_taking import TurnNumberSettings, TurnTakingSettings
from interject.satellite.settings.wake import WakeEngine, WakeSettings, WakeSource, WakeWordName, WordThreshold
from interject.satellite.turn.lexicon import ENGLISH, known_languages, lexicon_for
from interject.satellite.turn.settings import Judgement, TurnSettings, TurnStart
from interject.wire.admission import AccessSettings

_LOGGER = logging.getLogger(__name__)

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
    """Take the numbers of turn-taking out of the settings; blocking, as the words of the language are in a file."""
    open_microphone = settings.wake_word is WakeSource.NONE
    lexicon = lexicon_for(settings.language)
    if lexicon is None:
        _LOGGER.warning(
            "what is said into a reply in %s is judged by its length alone: there are word lists for %s (to add one: "
            "docs/turn-taking.md)",
            settings.language,
            ", ".join(known_languages()),
        )
    unheard = settings.pipeline is PipelineKind.HOME_ASSISTANT and settings.stt_uri is None
    by_duration = unheard or lexicon is None
    return TurnSettings(
        lexicon=lexicon or ENGLISH,
        turn_start=TurnStart.SPEECH if open_microphone else TurnStart.WAKE_WORD,
        judgement=Judgement.DURATION if by_duration else Judgement.WORDS,
        barge_in=settings.barge_in,
        endpointing=settings.endpointing,
        vad_threshold=settings.vad_threshold,
        listening_threshold=settings.listening_threshold,
        speaking_threshold=settings.speaking_threshold,
        vad_hysteresis=settings.vad_hysteresis,
        trigger_windows=settings.trigger_windows,
        speaking_trigger_windows=settings.speaking_trigger_windows,
        utterance_gap_ms=settings.utterance_gap_ms,
        confirm_speech_ms=settings.confirm_speech_ms,
        confirm_within_ms=settings.confirm_within_ms,
        min_speech_ms=settings.min_speech_ms,
        word_speech_ms=settings.word_speech_ms,
        word_confidence=settings.word_confidence,
        commit_speech_ms=settings.commit_speech_ms,
        commit_backchannel_ms=settings.commit_backchannel_ms,
        commit_unheard_ms=settings.commit_unheard_ms,
        side_speech_db=settings.side_speech_db,
        whisper_brighter_db=settings.whisper_brighter_db,
        undecided_ms=settings.undecided_ms,
        verdict_ms=settings.verdict_ms,
        hold_max_s=settings.hold_max_s,
        pre_roll_ms=settings.pre_roll_ms,
        reply_pre_roll_ms=settings.reply_pre_roll_ms,
        endpoint_silence_ms=settings.endpoint_silence_ms,
        endpoint_complete_ms=settings.endpoint_complete_ms,
        endpoint_unfinished_ms=settings.endpoint_unfinished_ms,
        vad_release_ms=settings.vad_release_ms,
        listen_max_s=settings.listen_max_s,
        vad_wake_word_timeout=settings.vad_wake_word_timeout,
        follow_up_seconds=settings.follow_up_seconds,
        stt_timeout_s=settings.stt_timeout_s,
        reply_timeout_s=settings.reply_timeout_s,
        stt_failures_to_text=settings.stt_failures_to_text,
    )


def player_settings(settings: SatelliteSettings) -> PlayerSettings:
    """Take the numbers of playback out of the settings."""
    return PlayerSettings(
        duck_db=settings.duck_db,
        duck_ms=settings.duck_ms,
        unduck_ms=settings.unduck_ms,
        pause_fade_ms=settings.pause_fade_ms,
        resume_fade_ms=settings.resume_fade_ms,
    )
