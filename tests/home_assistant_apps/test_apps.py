"""The apps are what Home Assistant's Supervisor takes, and their options are settings of the programs."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import voluptuous as vol

from home_assistant_apps.start import PORTS, environment
from interject.satellite.settings import SatelliteSettings
from interject.servers.llm.settings import LlmSettings
from interject.servers.stt.settings import SttSettings
from interject.servers.tts.settings import TtsSettings
from interject.wire.settings import describe_schema, load
from interject.wire.uri import TcpAddress, parse_uri
from tests.home_assistant_apps.supervisor import Element, check_options, read_config, read_repository, read_translation
from tools.home_assistant_apps import put_together

if TYPE_CHECKING:
    from interject.wire.settings import SettingRow

_APPS = Path(__file__).parents[2] / "home_assistant_apps"
_SCHEMAS: dict[str, type[Any]] = {
    "satellite": SatelliteSettings,
    "stt": SttSettings,
    "llm": LlmSettings,
    "tts": TtsSettings,
}
_NOWHERE = Path("/nonexistent")

each_app = pytest.mark.parametrize("app", sorted(_SCHEMAS))


def settings_with(app: str, options: dict[str, Any]) -> Any:
    """Load a program's settings as its app does, with these options in place of the defaults."""
    config = read_config(_APPS / app)
    chosen = {**config["options"], **options}
    variables = environment(app, chosen, _NOWHERE, config.get("environment", {}))
    return load(_SCHEMAS[app], prefix=app, argv=[], environ=variables, description="")


@each_app
def test_the_supervisor_takes_the_app_and_can_start_it_as_installed(app: str) -> None:
    config = read_config(_APPS / app)
    check_options(config["schema"], config["options"])
    assert config["slug"] == f"interject_{app}"
    assert config["discovery"] == ["wyoming"]


@each_app
def test_its_version_is_the_package_s(app: str, repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert read_config(_APPS / app)["version"] == project["version"]


@each_app
def test_its_port_is_where_the_program_listens(app: str) -> None:
    (port,) = read_config(_APPS / app)["ports"]
    assert port == f"{PORTS[app]}/tcp"
    address = parse_uri(settings_with(app, {}).uri)
    assert isinstance(address, TcpAddress)
    assert (address.host, address.port) == ("0.0.0.0", PORTS[app])


@each_app
def test_the_program_takes_every_choice_that_home_assistant_offers(app: str) -> None:
    config = read_config(_APPS / app)
    for name, written in config["schema"].items():
        if isinstance(written, list):
            assert settings_with(app, {name: ["alexa", "okay_nabu"]}) != settings_with(app, {})
            continue
        for value in Element.parse(written).examples():
            # Words of its own would be needed for a stop word alone to interrupt.
            needs = {"stt_uri": "tcp://local-interject-stt:10300"} if value == "stop-word" else {}
            given = getattr(settings_with(app, {name: value, **needs}), name)
            assert getattr(given, "value", given) == value


@each_app
def test_its_limits_are_the_program_s(app: str) -> None:
    rows: dict[str, SettingRow] = {row.key.replace("-", "_"): row for row in describe_schema(_SCHEMAS[app])}
    for name, written in read_config(_APPS / app)["schema"].items():
        element = Element.parse(written[0] if isinstance(written, list) else written)
        ends = [f"{end:g}" for end in element.limits() if end is not None] if element.kind in {"int", "float"} else []
        assert [end for end in ends if end not in rows[name].accepted] == [], rows[name].accepted


@each_app
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_option_and_port_is_explained(app: str, language: str) -> None:
    config = read_config(_APPS / app)
    translation = read_translation(_APPS / app / "translations" / f"{language}.yaml")
    assert translation["configuration"].keys() == config["schema"].keys()
    assert translation["network"].keys() == config["ports"].keys()


@each_app
def test_what_stands_in_the_documentation_of_the_program_s_settings_exists(app: str) -> None:
    text = (_APPS / app / "DOCS.md").read_text(encoding="utf-8")
    keys = {row.key.replace("-", "_") for row in describe_schema(_SCHEMAS[app])}
    assert set(re.findall(r"`([a-z]+_[a-z_]+): ", text)) <= keys
    assert f"`[{app}]`" in text
    assert f"port {PORTS[app]}" in text


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("apps")
    put_together(out)
    return out


@each_app
def test_the_folder_that_home_assistant_builds_has_all_that_the_image_is_made_of(app: str, built: Path) -> None:
    folder = built / f"interject_{app}"
    lines = (folder / "Dockerfile").read_text(encoding="utf-8").splitlines()
    stages = [line.split()[-1] for line in lines if line.startswith("FROM ")]
    # Whatever builds it without naming a stage builds the last one.
    assert stages[-1] == "app"
    assert f"FROM {app} AS app" in lines
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert [name for names in copied for name in names if not (folder / name).exists()] == []
    assert "@" not in "".join(lines[lines.index("FROM runtime AS tts") :])
    for shown in ("CHANGELOG.md", "DOCS.md", "README.md", "icon.png", "logo.png"):
        assert (folder / shown).stat().st_size > 0


def test_home_assistant_finds_four_apps_and_no_more(built: Path) -> None:
    read_repository(built)
    found = [path for kind in ("yaml", "yml", "json") for path in built.rglob(f"config.{kind}")]
    assert sorted(path.parent.name for path in found) == [f"interject_{app}" for app in sorted(_SCHEMAS)]
    assert [path for path in built.rglob("build.*") if path.suffix in {".yaml", ".yml", ".json"}] == []


def test_the_script_says_where_they_are_and_may_run_again(tmp_path: Path, repository: Path) -> None:
    for _ in range(2):
        done = subprocess.run(
            [str(repository / "script" / "home-assistant-apps"), "--out", str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert f"interject_stt, interject_tts are in {tmp_path}" in done.stdout


@pytest.mark.parametrize(
    ("schema", "options"),
    [
        ({"a": "int(0,4)"}, {"a": 5}),
        ({"a": "int(0,4)"}, {"a": "3"}),
        ({"a": "list(x|y)"}, {"a": "z"}),
        ({"a": "str"}, {}),
        ({"a": ["str"]}, {}),
        ({"a": "text"}, {"a": "b"}),
        ({"a": "int(4)"}, {"a": 4}),
    ],
)
def test_the_stand_in_for_the_supervisor_refuses_what_it_would(schema: dict[str, Any], options: dict[str, Any]) -> None:
    with pytest.raises(vol.Invalid):
        check_options(schema, options)
