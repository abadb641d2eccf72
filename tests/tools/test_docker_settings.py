"""What the containers' files and their page say of settings, the programs accept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from interject.satellite.settings import SatelliteSettings
from interject.servers.llm.settings import LlmSettings
from interject.servers.stt.settings import SttSettings
from interject.servers.tts.settings import TtsSettings
from interject.wire.reach import is_for_this_machine
from interject.wire.settings import describe_schema, load

if TYPE_CHECKING:
    from interject.wire.admission import AccessSettings

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS: dict[str, type[AccessSettings]] = {
    "satellite": SatelliteSettings,
    "stt": SttSettings,
    "llm": LlmSettings,
    "tts": TtsSettings,
}
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


def composed(wishes: dict[str, str]) -> dict[str, Any]:
    """Return the services of the compose file, with these variables and the defaults of the others."""
    text = (ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8")
    filled = re.sub(r"\$\{(\w+):?-([^}]*)\}", lambda found: wishes.get(found[1]) or found[2], text)
    services: dict[str, Any] = yaml.safe_load(filled)["services"]
    return services


@pytest.mark.parametrize("name", ["stt", "llm", "tts"])
def test_a_server_in_a_container_is_there_for_its_satellite_and_for_others_only_as_the_example_says(name: str) -> None:
    variable = f"INTERJECT_{name.upper()}_URI"
    services = composed({})
    # In a network of its own loopback would be the container's.
    assert services[name]["network_mode"] == services["satellite"]["network_mode"] == "host"
    uri = services[name]["environment"][variable]
    assert is_for_this_machine(uri)
    assert services["satellite"]["environment"][f"INTERJECT_SATELLITE_{name.upper()}_URI"] == uri
    opened = composed(offered())[name]["environment"][variable]
    assert opened == uri.replace("127.0.0.1", "0.0.0.0")


@pytest.mark.parametrize("name", SCHEMAS)
def test_who_may_connect_by_the_example_leaves_the_health_check_in(name: str) -> None:
    own = {key: value for key, value in offered().items() if key.startswith(f"INTERJECT_{name.upper()}_")}
    settings = load(SCHEMAS[name], prefix=name, argv=(), environ=own, description="")
    assert settings.access_rules().allows("127.0.0.1")
    assert not settings.access_rules().allows("192.168.1.77")


@pytest.mark.parametrize("file", FILES)
def test_every_variable_that_is_named_exists(file: str) -> None:
    known = {
        f"INTERJECT_{name}_{row.key}".replace("-", "_").upper()
        for name, schema in SCHEMAS.items()
        for row in describe_schema(schema)
    }
    named = set(re.findall(r"INTERJECT_[A-Z_]*[A-Z]", (ROOT / file).read_text(encoding="utf-8")))
    assert not named - known
