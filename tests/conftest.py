from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import pytest
from hypothesis import settings
from xdist.scheduler.loadscope import LoadScopeScheduling

from tools.testing.patience import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xdist.remote import Producer

pytest_plugins = ["tests.guards"]

# How long an example takes on a busy machine says nothing about what it shows.
settings.register_profile("interject", deadline=None)
settings.load_profile("interject")

# Below tests: what starts programs, serves over sockets on a real clock, or needs the processor for seconds.
_SLOW = (
    "home_assistant_apps/test_start.py",
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
    "test_samples.py",
    "wire/test_discovery.py",
    "wire/test_network.py",
    "wire/test_process.py",
)
# Where the rooms are that run in real time. Two at a time, each file on the worker of its lane: one takes half a core,
# and the rest has the other half. The first lane's two files last about as long as all others.
_ROOMS = "tests/processes/"
_FIRST_LANE = ("tests/processes/test_killed_servers.py", "tests/processes/test_stopping.py")
# How far whoever has no room steps back for them; a machine that is busy with something else still lets them go on.
_NICENESS = 3


class Lanes(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Gives the rooms to two workers, and each other test to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        if not nodeid.startswith(_ROOMS):
            return nodeid
        return "first lane" if nodeid.startswith(_FIRST_LANE) else "second lane"


@pytest.fixture(scope="session", autouse=True)
def _a_state_folder_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Satellites that tests start remember nothing for those that the user starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Lanes:
    """Distribute by lanes; xdist's own groups are lost on pytest 9.2, which gives a test no other name."""
    return Lanes(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a worker step back once it has no room, or none any more: rooms come first."""
    if "PYTEST_XDIST_WORKER" in os.environ and not item.nodeid.startswith(_ROOMS) and not os.nice(0):
        os.nice(_NICENESS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and put the rooms first and what is quick last, so that all workers end together."""
    for item in items:
        if _is_slow(item.path):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: (not item.nodeid.startswith(_ROOMS), not _is_slow(item.path)))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import nothing of what -m leaves out, as that takes as long as many tests."""
    return True if "not slow" in config.getoption("markexpr") and _is_slow(collection_path) else None


def _is_slow(path: Path) -> bool:
    # Path's own is_relative_to, for each of three thousand tests, took a tenth of the collection.
    return f"{path}/".startswith(tuple(f"{Path(__file__).parent}/{slow}/" for slow in _SLOW))


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
