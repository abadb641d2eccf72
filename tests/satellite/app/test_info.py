"""What others learn about a satellite by asking it to describe itself."""

from __future__ import annotations

import pytest
from wyoming.info import Info

from interject import package_version
from interject.satellite.app.info import satellite_info
from interject.satellite.settings import SatelliteSettings
from interject.satellite.wake.base import Role, WordModel
from interject.wire.discovery import ServiceKind, offers
from interject.wire.settings import load

OKAY_NABU = WordModel("okay_nabu", "okay nabu", Role.WAKE)
ALEXA = WordModel("alexa", "alexa", Role.WAKE, "Kitchen")
STOP = WordModel("stop", "stop", Role.STOP)


def told(flags: str, *words: WordModel) -> Info:
    """Return what arrives at the other side."""
    settings = load(SatelliteSettings, prefix="satellite", argv=flags.split(), environ={}, description="")
    return Info.from_event(satellite_info(settings, words, 48_000).event())


def test_a_satellite_says_where_it_is_and_what_it_is_called() -> None:
    satellite = told("--name Kitchen --area Downstairs").satellite
    assert satellite is not None
    assert (satellite.name, satellite.area, satellite.version) == ("Kitchen", "Downstairs", package_version())
    assert satellite.installed


def test_a_satellite_is_taken_for_nothing_else() -> None:
    assert offers(told("", OKAY_NABU)) == {ServiceKind.SATELLITE}


@pytest.mark.parametrize(
    ("flags", "has_vad"),
    [
        ("", True),
        ("--pipeline home-assistant", True),
        ("--pipeline home-assistant --endpointing home-assistant", False),
    ],
)
def test_it_claims_to_end_turns_where_it_does(flags: str, has_vad: bool) -> None:
    satellite = told(flags).satellite
    assert satellite is not None
    assert satellite.has_vad is has_vad


def test_it_cannot_be_made_to_listen_from_afar() -> None:
    satellite = told("").satellite
    assert satellite is not None
    assert satellite.supports_trigger is False


def test_without_a_wake_word_there_is_none_to_tell() -> None:
    info = told("", STOP)
    assert info.satellite is not None
    assert (info.satellite.active_wake_words, info.satellite.max_active_wake_words) == ([], 0)
    assert info.wake == []


@pytest.mark.parametrize("flags", ["--wake-word local", "--wake-word local --wake-engine open"])
def test_wake_words_are_told_with_the_phrases_by_which_rooms_are_kept_apart(flags: str) -> None:
    info = told(flags, OKAY_NABU, ALEXA, STOP)
    assert info.satellite is not None
    assert info.satellite.active_wake_words == ["okay_nabu", "alexa"]
    assert info.satellite.max_active_wake_words == 2
    (program,) = info.wake
    assert {model.name: model.phrase for model in program.models} == {"okay_nabu": "okay nabu", "alexa": "alexa"}
    assert program.installed


def test_the_words_of_a_service_are_told_with_its_address() -> None:
    (program,) = told("--wake-uri tcp://10.0.0.7:10400", OKAY_NABU).wake
    assert program.attribution.url == "tcp://10.0.0.7:10400"


def test_the_format_of_the_loudspeaker_is_told() -> None:
    (program,) = told("").snd
    assert (program.snd_format.rate, program.snd_format.width, program.snd_format.channels) == (48_000, 2, 1)
