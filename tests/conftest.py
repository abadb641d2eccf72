from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import pytest
from hypothesis import settings

from tests.patience import show

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytest_plugins = ["tests.guards"]

# How long an example takes on a busy machine says nothing about what it shows.
settings.register_profile("interject", deadline=None)
settings.load_profile("interject")

# Rooms that run in real time at once, each a worker's: one takes half a core, and the rest has the other half.
LANES = 2
_LANE = "rooms-"
# How far the other workers step back for them; a machine that is busy with something else still lets them go on.
_NICENESS = 5


def pytest_configure() -> None:
    """Let the workers that have no room step back."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    if int(worker.removeprefix("gw")) >= LANES:
        os.nice(_NICENESS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the rooms first, in lanes of about as many tests, each lane on one worker (--dist loadgroup)."""
    items.sort(key=lambda item: item.get_closest_marker("real_time") is None)
    rooms = [item for item in items if item.get_closest_marker("real_time") is not None]
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
