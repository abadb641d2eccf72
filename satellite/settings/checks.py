"""Settings that are good each by itself and make no sense together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.satellite.settings.service import PipelineKind
from interject.satellite.settings.wake import WakeSource
from interject.satellite.turn.settings import BargeIn, Endpointing
from interject.wire.errors import BadUriError, SettingError
from interject.wire.reach import is_for_this_machine
from interject.wire.uri import parse_uri

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.satellite.settings import SatelliteSettings

_URIS = ("uri", "stt_uri", "llm_uri", "tts_uri", "wake_uri", "event_uri")


@dataclass(frozen=True, slots=True)
class _Rule:
    """A mistake, the setting to blame for it, and what to do about it."""

    key: str
    broken: Callable[[SatelliteSettings], bool]
    remedy: str


def _direct(settings: SatelliteSettings) -> bool:
    return settings.pipeline is PipelineKind.DIRECT


def _no_stop_word_is_heard(settings: SatelliteSettings) -> bool:
    # In direct mode the words of the speech-to-text server tell it.
    heard = _direct(settings) or settings.stt_uri is not None or settings.stop_word_name
    return settings.barge_in is BargeIn.STOP_WORD and not heard


_RULES = (
    _Rule("vad", lambda it: not it.vad, "voice activity detection is always on; leave the setting out"),
    _Rule(
        "text",
        lambda it: it.text and not _direct(it),
        "Home Assistant takes no typed text from a satellite; use --pipeline direct",
    ),
    _Rule(
        "endpointing",
        lambda it: it.endpointing is Endpointing.HOME_ASSISTANT and _direct(it),
        "home-assistant needs --pipeline home-assistant",
    ),
    _Rule(
        "wake-word",
        lambda it: it.wake_word is WakeSource.HOME_ASSISTANT and _direct(it),
        "home-assistant needs --pipeline home-assistant; use --wake-word local, or --wake-uri for a service",
    ),
    _Rule(
        "wake-word",
        lambda it: it.wake_word is WakeSource.REMOTE and it.wake_uri is None,
        "remote needs --wake-uri, the address of a wake word service",
    ),
    _Rule(
        "wake-word-name",
        lambda it: _direct(it) and any(word.pipeline for word in it.wake_word_name),
        "a wake word that starts a pipeline of its own needs --pipeline home-assistant; leave PIPELINE out",
    ),
    _Rule(
        "wake-threshold",
        lambda it: bool(it.wake_threshold) and it.wake_word is WakeSource.REMOTE,
        "a wake word service has thresholds of its own; set them there, or use --wake-word local",
    ),
    _Rule(
        "barge-in",
        lambda it: it.barge_in is BargeIn.WAKE_WORD and it.wake_word is WakeSource.NONE,
        "wake-word needs one to listen for: give --wake-word-name, or --wake-uri for a service",
    ),
    _Rule(
        "barge-in",
        _no_stop_word_is_heard,
        "stop-word needs somebody to hear it: give --stop-word-name with --wake-word-dir, or --stt-uri",
    ),
)


def check(settings: SatelliteSettings) -> None:
    """Raise SettingError for the first mistake."""
    for rule in _RULES:
        if rule.broken(settings):
            raise SettingError(rule.key, rule.remedy)
    _check_uris(settings)
    _check_announcement(settings)


def _check_uris(settings: SatelliteSettings) -> None:
    for name in _URIS:
        uri = getattr(settings, name)
        if uri is not None:
            try:
                parse_uri(uri)
            except BadUriError as error:
                raise SettingError(name.replace("_", "-"), str(error)) from None


def _check_announcement(settings: SatelliteSettings) -> None:
    if settings.zeroconf and settings.uri is not None and is_for_this_machine(settings.uri):
        wish = " and give --home-assistant" if _direct(settings) and not settings.home_assistant else ""
        raise SettingError(
            "zeroconf",
            f"no other machine could reach {settings.uri}; leave --uri out{wish}, or listen at all addresses: "
            "--uri tcp://0.0.0.0:10700",
        )
