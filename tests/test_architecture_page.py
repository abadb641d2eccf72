"""What docs/architecture.md says of the code is so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
NAMED = sorted(set(re.findall(r"`((?:satellite|servers|wire|tests|script|interject)/[\w./]*)`", PAGE.read_text())))
# Whom each part of the program may import from; beside these only itself and what is installed.
ALLOWED = {"wire": set(), "servers": {"wire"}, "satellite": {"wire", "servers"}}
# No Wyoming in the rules, and no I/O in turn-taking.
PURE = {
    "satellite/turn": ("asyncio", "socket", "wyoming", "numpy", "interject.wire.client", "interject.wire.service"),
    "satellite/transports/assist": ("asyncio", "socket", "wyoming", "interject.wire.client", "interject.wire.service"),
}


@pytest.mark.parametrize("name", NAMED)
def test_what_the_page_names_is_there(name: str) -> None:
    assert (ROOT / name).exists()


def test_the_page_names_each_part_of_the_satellite() -> None:
    page = PAGE.read_text()
    parts = {path.parent.name for path in (ROOT / "satellite").glob("*/__init__.py")}
    assert {part for part in parts if f"{part}/`" not in page} == set()


@pytest.mark.parametrize("part", ALLOWED)
def test_a_part_imports_only_what_it_may(part: str) -> None:
    found = {name.split(".")[1] for path in (ROOT / part).rglob("*.py") for name in imported(path) if is_ours(name)}
    assert found - {part} <= ALLOWED[part]


@pytest.mark.parametrize("folder", PURE)
def test_decisions_do_no_input_and_output(folder: str) -> None:
    found = {
        (path.name, name)
        for path in (ROOT / folder).glob("*.py")
        for name in imported(path)
        if any(name == other or name.startswith(f"{other}.") for other in PURE[folder])
    }
    assert found == set()


def test_the_satellite_takes_of_servers_their_settings_alone() -> None:
    found = {name for path in (ROOT / "satellite").rglob("*.py") for name in imported(path) if is_of_servers(name)}
    # ServerSettings, which all three have in common.
    assert {name for name in found if not name.endswith(".settings")} == {"interject.servers.common"}


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return names | {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}


def is_ours(name: str) -> bool:
    return name.startswith("interject.")


def is_of_servers(name: str) -> bool:
    return name.startswith("interject.servers")
