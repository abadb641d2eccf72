"""Where the project is published is said in one place, and nowhere something else."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from interject.wire.project import ATTRIBUTION, REPOSITORY

ROOT = Path(__file__).resolve().parents[1]
# An address of ours at any forge or registry, and one that somebody is told to clone from.
OURS = re.compile(r"(?:https?://|git@)[\w.-]+[/:][\w./-]*interject[\w./-]*")
CLONE = re.compile(r"git clone (\S+)")
PLACEHOLDER = "ADDRESS"
pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git lists what is in the repository")
SOURCES = {"wire/project.py", "tests/test_project.py"}


def texts() -> dict[str, str]:
    """Return every text that is in the repository, or about to be."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = {}
    for name in sorted(set(names) - SOURCES):
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            found[name] = content.decode(errors="replace")
    return found


def test_no_other_file_names_an_address_of_the_project() -> None:
    named = {name: found for name, text in texts().items() if (found := set(OURS.findall(text)) - {REPOSITORY})}
    assert named == {}


def test_who_is_told_to_clone_is_told_the_address_or_that_there_is_none_yet() -> None:
    pages = {name: text for name, text in texts().items() if name.endswith(".md")}
    told = {address for text in pages.values() for address in CLONE.findall(text)}
    assert told == {REPOSITORY or PLACEHOLDER}
    assert any("no public address yet" in text for text in pages.values()) == (REPOSITORY is None)


def test_packages_and_programs_name_the_same() -> None:
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls", {})
    assert urls.get("Repository") == REPOSITORY
    assert ATTRIBUTION.url == (REPOSITORY or "")


def test_an_address_is_found_however_it_is_written() -> None:
    for text in (
        "https://github.com/interject/wyoming-interject",
        "git@codeberg.org:somebody/interject.git",
        "see http://example.org/a/wyoming-interject.",
    ):
        assert OURS.search(text)
    assert not OURS.search("curl http://homeassistant.local:8123/api/webhook/kitchen-wakes > interject.log")
