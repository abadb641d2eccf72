from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import pytest
from hypothesis import settings

from tests.patience import show

if TYPE_CHECKING:
    from collections.abc import Iterable

pytest_plugins = ["tests.guards"]

# How long an example takes on a busy machine says nothing about what it shows.
settings.register_profile("interject", deadline=None)
settings.load_profile("interject")

# Below tests: what starts programs, serves over sockets on a real clock, or needs the processor for seconds.
_SLOW = (
    "processes",
    "room",
    "satellite/devices/test_command.py",
    "satellite/devices/test_portaudio.py",
    "satellite/doctor",
    "satellite/hearing",
    "satellite/hooks",
    "satellite/pipelines/home_assistant/test_machine_model.py",
    "satellite/speaking/test_player_model.py",
    "satellite/test_text_mode.py",
    "satellite/turn/test_machine_model.py",
    "satellite/virtual",
    "script",
    "servers",
    "sound_card",
    "test_guards.py",
    "test_run.py",
    "wire/test_discovery.py",
    "wire/test_network.py",
    "wire/test_process.py",
)
# Rooms that run in real time at once, each a worker's: one takes half a core, and the rest has the other half.
LANES = 2
_LANE = "rooms-"
# How far whoever has no room steps back for them; a machine that is busy with something else still lets them go on.
_NICENESS = 5


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a worker step back once it has no room, or none any more: rooms come first."""
    if "PYTEST_XDIST_WORKER" in os.environ and not _is_room(item) and not os.nice(0):
        os.nice(_NICENESS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the rooms first, in lanes of about as many tests, each lane on one worker (--dist loadgroup)."""
    for item in items:
        if _is_slow(item.path):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: not _is_room(item))
    rooms = [item for item in items if _is_room(item)]
    lanes = dict.fromkeys(range(LANES), 0)
    for path, count in Counter(item.path for item in rooms).most_common():
        lane = min(lanes, key=lambda number: lanes[number])
        lanes[lane] += count
        for item in rooms:
            if item.path == path:
                item.add_marker(pytest.mark.xdist_group(f"{_LANE}{lane}"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Call a test by its own name, without the lane that xdist adds to it, so that --last-failed finds it again."""
    report.nodeid = report.nodeid.partition(f"@{_LANE}")[0]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import nothing of what -m leaves out, as that takes as long as many tests."""
    return True if "not slow" in config.getoption("markexpr") and _is_slow(collection_path) else None


def _is_slow(path: Path) -> bool:
    here = Path(__file__).parent
    return any(path.is_relative_to(here / slow) for slow in _SLOW)


def _is_room(item: pytest.Item) -> bool:
    return item.get_closest_marker("real_time") is not None


@runtime_checkable
class Documented(Protocol):
    """A fixture that runs processes, and has the files that they write."""

    def files(self) -> Iterable[Path]:
        """Return their logs and records."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    """Show what the processes of a test's fixtures wrote, when it fails."""
    if call.excinfo is not None and not isinstance(call.excinfo.value, pytest.skip.Exception):
        for fixture in getattr(item, "funcargs", {}).values():
            if isinstance(fixture, Documented):
                show(call.excinfo.value, fixture.files())
    return (yield)
