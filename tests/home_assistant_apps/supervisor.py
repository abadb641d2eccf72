"""What Home Assistant's Supervisor takes of an app: the facts, and only for the keys that our apps use.

From its own validation, home-assistant/supervisor as read on 2026-11-30: supervisor/apps/validate.py at 2791660
(config.yaml, translations), supervisor/apps/options.py at 1ee90b7 (types of options), supervisor/store/validate.py and
supervisor/validate.py at 07c827f (repository.yaml, ports). Stricter than that in two ways: a key that is not listed
here is an error, where the Supervisor drops it, and, as frenck/action-addon-linter asks, so is one with its default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import voluptuous as vol
import yaml

if TYPE_CHECKING:
    from pathlib import Path

# armhf, armv7 and i386 are deprecated.
_ARCHITECTURES = ("aarch64", "amd64")
_FOLDERS = ("data", "ssl", "backup", "share", "media", "homeassistant_config", "addon_config")
_ELEMENT = re.compile(
    r"(?P<kind>bool|str|password|url|port|int|float|match|list)(?:\((?P<said>.*)\))?(?P<optional>\??)"
)
_RANGED = {"int": int, "float": float, "str": int, "password": int}


@dataclass(frozen=True, slots=True)
class Element:
    """The type of an option, as the schema in config.yaml writes it: `int(0,4)`, `list(a|b)`, `str?`."""

    kind: str
    said: str
    optional: bool

    @classmethod
    def parse(cls, written: str) -> Element:
        """Read one; raises vol.Invalid where there is no such type."""
        found = _ELEMENT.fullmatch(written)
        if found is None or (found["said"] and found["kind"] in {"bool", "url", "port"}):
            raise vol.Invalid(f"{written!r} is no type of an option")
        element = cls(found["kind"], found["said"] or "", bool(found["optional"]))
        if element.kind in _RANGED and element.said:
            element.limits()
        return element

    def limits(self) -> tuple[float | None, float | None]:
        """Return the least and the most, of a number or of a text's length; None where there is none."""
        if not self.said:
            return None, None
        low, comma, high = self.said.partition(",")
        if not comma:
            raise vol.Invalid(f"{self.said!r}: a range has a comma")
        return (float(low) if low else None), (float(high) if high else None)

    def accepts(self, value: Any) -> bool:
        """Say whether a user may choose a value."""
        if self.kind == "bool":
            return isinstance(value, bool)
        if self.kind in {"int", "float"}:
            low, high = self.limits()
            number = isinstance(value, int if self.kind == "int" else (int, float)) and not isinstance(value, bool)
            return number and (low is None or value >= low) and (high is None or value <= high)
        if self.kind == "list":
            return value in self.said.split("|")
        return isinstance(value, str) and (self.kind != "match" or re.match(self.said, value) is not None)

    def examples(self) -> list[Any]:
        """Return what users may choose: all of it where that can be listed, else some of it with the extremes."""
        if self.kind == "bool":
            return [True, False]
        if self.kind == "list":
            return list(self.said.split("|"))
        if self.kind in {"int", "float"}:
            ends = [end for end in self.limits() if end is not None] or [1.0]
            return [int(end) for end in ends] if self.kind == "int" else list(ends)
        return {"url": ["http://192.168.1.5:11434/v1"], "match": ["tcp://local-interject-stt:10300"]}.get(
            self.kind, ["en", "two words, and a comma"]
        )


def _element(written: str) -> str:
    Element.parse(written)
    return written


def _not(default: Any) -> Any:
    def check(value: Any) -> Any:
        if value == default:
            raise vol.Invalid("is the default; leave it out")
        return value

    return check


_ELEMENT_TYPE = vol.All(str, _element)
_PORT = vol.All(int, vol.Range(min=1, max=65535))
_CONFIG = vol.Schema(
    {
        vol.Required("name"): str,
        vol.Required("version"): vol.Match(r"^\d+\.\d+\.\d+$"),
        vol.Required("slug"): vol.Match(r"^[-_.A-Za-z0-9]+$"),
        vol.Required("description"): str,
        vol.Required("arch"): [vol.In(_ARCHITECTURES)],
        "audio": vol.All(bool, _not(default=False)),
        "discovery": [str],
        "ports": {vol.Match(r"^\d+(/tcp|/udp)?$"): vol.Maybe(_PORT)},
        "map": [vol.Schema({vol.Required("type"): vol.In(_FOLDERS), "read_only": vol.All(bool, _not(default=True))})],
        "environment": {vol.Match(r"^\w+$"): str},
        "backup_exclude": [str],
        "options": vol.All(dict, _not(default={})),
        "schema": {str: vol.Any(_ELEMENT_TYPE, [_ELEMENT_TYPE])},
    }
)
_REPOSITORY = vol.Schema({vol.Required("name"): str, "url": vol.Url(), "maintainer": str})
_TRANSLATION = vol.Schema(
    {
        "configuration": {str: vol.Schema({vol.Required("name"): str, vol.Required("description"): str})},
        "network": {str: str},
    }
)


def read_config(folder: Path) -> dict[str, Any]:
    """Return an app's config.yaml; raises vol.Invalid where the Supervisor would leave the app out."""
    config: dict[str, Any] = _CONFIG(yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8")))
    return config


def read_repository(folder: Path) -> dict[str, Any]:
    """Return a repository's repository.yaml; raises vol.Invalid."""
    repository: dict[str, Any] = _REPOSITORY(yaml.safe_load((folder / "repository.yaml").read_text(encoding="utf-8")))
    return repository


def read_translation(path: Path) -> dict[str, Any]:
    """Return a translation; raises vol.Invalid where the Supervisor would leave it out."""
    translation: dict[str, Any] = _TRANSLATION(yaml.safe_load(path.read_text(encoding="utf-8")))
    return translation


def check_options(schema: dict[str, Any], options: dict[str, Any]) -> None:
    """Raise vol.Invalid where an app could not be started with these options."""
    for name, value in options.items():
        element = schema[name]
        values = value if isinstance(element, list) else [value]
        parsed = Element.parse(element[0] if isinstance(element, list) else element)
        if not all(parsed.accepts(each) for each in values):
            raise vol.Invalid(f"{name}: {value!r} is not accepted")
    for name, element in schema.items():
        if name not in options and not Element.parse(element[0] if isinstance(element, list) else element).optional:
            raise vol.Invalid(f"{name} is required, and has no default")
