"""What --help says: a few settings first, the rest in groups, each with what it takes, once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - a setting's type is read while the program runs
from typing import TYPE_CHECKING, ClassVar

import pytest

from interject.satellite.app.program import run
from interject.satellite.doctor.command import DoctorSettings
from interject.satellite.settings import SatelliteSettings
from interject.servers.llm.settings import LlmSettings
from interject.servers.stt.settings import SttSettings
from interject.servers.tts.settings import TtsSettings
from interject.wire.help_page import HelpPage
from interject.wire.settings import describe_schema, load, option

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMAS = (SatelliteSettings, SttSettings, LlmSettings, TtsSettings)


@dataclass(frozen=True)
class Lights:
    GROUP: ClassVar[str] = "Lights"

    fade_ms: float = option(20.0, "how fast they fade", minimum=0, maximum=500)
    quiet_db: float = option(-3.0, "how loud the switch is", maximum=0)
    lamp_uri: str | None = option(None, "where the lamp is")
    led_file: Path | None = option(None, "what it shows (default: nothing)")


@dataclass(frozen=True)
class House(Lights):
    GROUP: ClassVar[str] = "House"
    FIRST: ClassVar[tuple[str, ...]] = ("name",)

    rooms: int = option(0, "how many rooms", minimum=0)
    name: str = option("home", "what it is called")


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Callable[[HelpPage], str]:
    def show(page: HelpPage) -> str:
        with pytest.raises(SystemExit):
            load(House, prefix="house", argv=["--help"], environ={}, description=page)
        return capsys.readouterr().out

    return show


def test_the_few_that_one_begins_with_come_first_and_the_rest_in_groups(shown: Callable[[HelpPage], str]) -> None:
    text = shown(HelpPage("house", "A house."))

    flags = re.findall(r"^(First evening|Lights|House):$|^  (--[a-z-]+) [A-Z]", text, re.MULTILINE)
    assert [heading or flag for heading, flag in flags if flag != "--config"] == [
        *("First evening", "--name", "Lights", "--fade-ms", "--quiet-db", "--lamp-uri", "--led-file"),
        *("House", "--rooms"),
    ]


def test_a_value_has_a_name_a_range_and_a_default_once(shown: Callable[[HelpPage], str]) -> None:
    text = " ".join(shown(HelpPage("house", "A house.")).split())

    for told in (
        "--fade-ms MS how fast they fade (0 to 500; default: 20)",
        "--quiet-db DB how loud the switch is (0 or less; default: -3)",
        "--lamp-uri URI where the lamp is --led-file FILE what it shows (default: nothing) House:",
        "--rooms N how many rooms (0 or more; default: 0)",
    ):
        assert told in text


def test_usage_is_short_and_commands_are_listed(shown: Callable[[HelpPage], str]) -> None:
    text = shown(HelpPage("house", "A house.", {"sweep": "clean it", "lock": "leave it"}))

    assert text.startswith("usage: house [FLAG …]\n       house sweep | lock …\n\nA house.\n\ncommands")
    assert "\n  sweep  clean it\n  lock   leave it\n" in text


def test_a_page_of_a_command_lists_its_own_groups_and_the_others_still_work(shown: Callable[[HelpPage], str]) -> None:
    page = HelpPage("house sweep", "Cleans.", groups=("House",), note="All others of the house do, too.")
    text = shown(page)

    assert "--rooms" in text
    assert "--fade-ms" not in text
    assert "All others of the house do, too." in text
    assert load(House, prefix="house", argv=["--fade-ms", "30"], environ={}, description=page).fade_ms == 30


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_setting_of_ours_has_a_heading(schema: type) -> None:
    rows = describe_schema(schema)

    assert [row.key for row in rows if not row.group] == []
    assert rows[0].group == "First evening"
    # A newcomer reads no more than a screen of them.
    assert sum(row.group == "First evening" for row in rows) <= 16


@pytest.mark.parametrize("schema", SCHEMAS)
def test_no_value_of_ours_is_called_by_a_type(schema: type, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load(schema, prefix="stt", argv=["--help"], environ={}, description="")
    text = capsys.readouterr().out

    assert re.findall(r"\b(?:STR|INT|FLOAT|BOOL|PATH)\b", text.replace("///PATH", "")) == []
    assert re.findall(r"\(default:[^()]*\)\s+\(default:", text) == []


def test_the_doctor_has_a_page_of_its_own(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pages = []
    for argv in (["--help"], ["doctor", "--help"]):
        monkeypatch.setattr("sys.argv", ["interject-satellite", *argv])
        with pytest.raises(SystemExit):
            run()
        pages.append(capsys.readouterr().out)
    satellite, doctor = pages

    assert re.search(r"^  doctor +check microphone", satellite, re.MULTILINE)
    assert doctor.startswith("usage: interject-satellite doctor [FLAG …]")
    assert DoctorSettings.GROUP in doctor
    assert "--record" in doctor
    assert "--mic-device" in doctor
    assert "--detect-command" not in doctor


def test_what_hardly_anybody_needs_is_shown_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    pages = {}
    for flag in ("--help", "--help-all"):
        with pytest.raises(SystemExit):
            load(SatelliteSettings, prefix="satellite", argv=[flag], environ={}, description="")
        pages[flag] = capsys.readouterr().out

    assert "--barge-in" in pages["--help"]
    assert "--commit-speech-ms" not in pages["--help"]
    assert "--commit-speech-ms" in pages["--help-all"]
    given = load(SatelliteSettings, prefix="satellite", argv=["--commit-speech-ms", "800"], environ={}, description="")
    assert given.commit_speech_ms == 800
