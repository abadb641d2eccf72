"""Prints what Home Assistant would install when it first sets some integrations up; runs where it is installed.

Arguments: the integrations. What they depend on is followed, and what Home Assistant always loads is included.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    """Print one requirement a line."""
    spec = importlib.util.find_spec("homeassistant")
    if spec is None or spec.origin is None:
        sys.exit("Home Assistant is not installed here")
    components = Path(spec.origin).parent / "components"
    bootstrap = import_module("homeassistant.bootstrap")
    for requirement in sorted(_requirements(components, {*sys.argv[1:], *bootstrap.DEFAULT_INTEGRATIONS})):
        sys.stdout.write(requirement + "\n")


def _requirements(components: Path, wanted: set[str]) -> set[str]:
    found: set[str] = set()
    seen: set[str] = set()
    while wanted := wanted - seen:
        name = wanted.pop()
        seen.add(name)
        manifest = components / name / "manifest.json"
        if manifest.exists():
            said: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
            found.update(said.get("requirements", []))
            wanted.update(said.get("dependencies", []))
    return found


if __name__ == "__main__":
    main()
