"""What the containers' files and their page say of settings, the programs accept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from satellite.settings import SatelliteSettings
from servers.llm.settings import LlmSettings
from servers.stt.settings import SttSettings
from servers.tts.settings import TtsSettings
from wire.settings import describe_schema, load

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = {"satellite": SatelliteSettings, "stt": SttSettings, "llm": LlmSettings, "tts": TtsSettings}
FILES = ["docker/compose.yaml", "docker/compose.pulse.yaml", "docker/.env.example", "docs/docker.md"]


def offered() -> dict[str, str]:
    """Return the variables of the programs that the example offers."""
    example = (ROOT / "docker" / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^#(INTERJECT_\w+)=(.*)$", example, re.MULTILINE))


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_program_accepts_what_the_example_offers(name: str) -> None:
    own = {key: value for key, value in offered().items() if key.startswith(f"INTERJECT_{name.upper()}_")}
    assert own
    load(SCHEMAS[name], prefix=name, argv=(), environ=own, description="")


@pytest.mark.parametrize("file", FILES)
def test_every_variable_that_is_named_exists(file: str) -> None:
    known = {
        f"INTERJECT_{name}_{row.key}".replace("-", "_").upper()
        for name, schema in SCHEMAS.items()
        for row in describe_schema(schema)
    }
    named = set(re.findall(r"INTERJECT_[A-Z_]*[A-Z]", (ROOT / file).read_text(encoding="utf-8")))
    assert not named - known
