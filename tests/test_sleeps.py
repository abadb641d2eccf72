"""No test sleeps on a real clock: it waits for what happens (tools.testing.patience), or lets virtual time pass."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Files that sleep, and why they may.
MAY_SLEEP = {
    "tests/test_virtual_clock.py": "tests the clock",
    "tests/satellite/transports/home_assistant/test_strangers.py": "the pace of a microphone, over TCP",
    "tests/wire/home_assistant_eyes.py": "a program that tries again as Home Assistant does",
}
STEP = "asyncio.sleep(0)"
SLEEPS = {"asyncio.sleep", "time.sleep"}


def sleeps_in(source: str) -> Iterator[int]:
    """Give the lines that name time.sleep, or asyncio.sleep other than for one step of the loop."""
    if "sleep" not in source:
        return
    tree = ast.parse(source)
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _names_sleep(node.func))
    steps = {call.func for call in calls if ast.unparse(call) == STEP}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in {"asyncio", "time"}:
            yield from (node.lineno for name in node.names if name.name == "sleep")
        elif _names_sleep(node) and ast.unparse(node) in SLEEPS and node not in steps:
            yield node.lineno


def _names_sleep(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and node.attr == "sleep"


def test_nobody_sleeps_but_who_may(repository: Path) -> None:
    found = {
        str(path.relative_to(repository)): lines
        for path in sorted((repository / "tests").rglob("*.py"))
        if (lines := list(sleeps_in(path.read_text(encoding="utf-8"))))
    }
    assert {path: lines for path, lines in found.items() if path not in MAY_SLEEP} == {}
    assert set(MAY_SLEEP) <= set(found), "who no longer sleeps needs no leave"


def test_sleeping_is_found_however_it_is_written() -> None:
    lines = ("asyncio.sleep(0)", "asyncio.sleep(PAUSE_S)", "to_thread(time.sleep, 1)", "from time import sleep")
    assert sorted(sleeps_in("\n".join(lines))) == [2, 3, 4]
