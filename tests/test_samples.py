"""What the pages show is what works: files that are shown load and run, commands are a shell's, flags exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from interject.satellite.doctor.command import DoctorSettings
from interject.satellite.settings import SatelliteSettings
from interject.satellite.turn.settings import BargeIn
from interject.servers.llm.settings import LlmSettings
from interject.servers.stt.settings import SttSettings
from interject.servers.tts.settings import TtsSettings
from interject.wire.settings import describe_refused, describe_schema, load
from interject.wire.uri import TcpAddress, parse_uri
from tests.satellite.test_first_start import started
from tools.testing.patience import PATIENCE_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SCHEMAS: dict[str, type[SatelliteSettings | SttSettings | LlmSettings | TtsSettings]] = {
    "satellite": SatelliteSettings,
    "stt": SttSettings,
    "llm": LlmSettings,
    "tts": TtsSettings,
}
FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A file that is shown by the command that writes it.
WRITTEN = re.compile(r"<<'EOF'\n(.*?)^EOF$", re.MULTILINE | re.DOTALL)
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
NOT_SETTINGS = {"--config", "--version", "--help"}
OF_COMMANDS = {
    "install-service": {"--system", "--run-as", "--servers", "--uninstall", "--dry-run"},
    "forget": {"--all"},
}


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    yield from FENCED.findall(page.read_text(encoding="utf-8"))


def samples() -> list[tuple[str, str]]:
    """Return the settings files that are shown, each with its page."""
    found = []
    for page in PAGES:
        for language, text in blocks(page):
            found += [(page.name, text)] if language == "toml" else []
            found += [(page.name, file) for file in WRITTEN.findall(text) if file.startswith("[")]
    return found


SAMPLES = samples()


def test_there_is_a_sample_for_home_assistant_and_one_without() -> None:
    assert len(SAMPLES) >= 2


@pytest.mark.parametrize(("page", "sample"), SAMPLES)
def test_a_sample_loads_leaves_barge_in_on_and_names_nobody_elses_machine(
    page: str, sample: str, tmp_path: Path
) -> None:
    file = tmp_path / "interject.toml"
    file.write_text(sample, encoding="utf-8")
    loaded = {
        name: load(schema, prefix=name, argv=["--config", str(file)], environ={}, description="")
        for name, schema in SCHEMAS.items()
    }
    satellite = loaded["satellite"]
    assert isinstance(satellite, SatelliteSettings)
    assert satellite.barge_in is BargeIn.SPEECH
    for name in ("stt_uri", "llm_uri", "tts_uri", "wake_uri", "event_uri"):
        if (uri := getattr(satellite, name)) is not None:
            address = parse_uri(uri)
            assert isinstance(address, TcpAddress)
            assert address.host in {"127.0.0.1", "localhost"}


@pytest.mark.parametrize(("page", "sample"), SAMPLES)
async def test_a_sample_runs_as_it_stands(page: str, sample: str, tmp_path: Path) -> None:
    """In the simulated room, at a port of its own; and unseen by the network of whoever runs the tests."""
    file, log = tmp_path / "interject.toml", tmp_path / "log"
    file.write_text(sample, encoding="utf-8")
    async with started(log, "--config", str(file), "--no-zeroconf"):
        await eventually(lambda: b"Ready at" in log.read_bytes(), "the satellite to be ready")
    said = log.read_text(encoding="utf-8")
    assert ("Waiting for Home Assistant" in said) == ('pipeline = "home-assistant"' in sample)
    warnings = [line for line in said.splitlines() if "WARNING" in line and "nobody speaks in" not in line]
    assert not warnings


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash reads the commands")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_a_shells(page: Path) -> None:
    for language, text in blocks(page):
        if language == "sh":
            read = subprocess.run(
                ["bash", "-n"], input=text, capture_output=True, text=True, check=False, timeout=PATIENCE_S
            )
            assert read.stderr == "", text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_flags_of_ours_in_commands_exist(page: Path) -> None:
    known = {f"--{row.key}" for schema in (*SCHEMAS.values(), DoctorSettings) for row in describe_schema(schema)}
    known |= NOT_SETTINGS.union(*OF_COMMANDS.values())
    known |= {f"--no-{flag.removeprefix('--')}" for flag in known}
    refused = {f"--{key}" for key in describe_refused(SatelliteSettings)}
    for language, text in blocks(page):
        if language in {"sh", "diff"}:
            for line in text.replace("\\\n", " ").splitlines():
                flags = set(FLAG.findall(line.partition("#")[0].partition("interject-")[2]))
                assert flags <= known - refused, line
