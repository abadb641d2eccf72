"""The guards catch what they are there for, and let everything else pass."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CASES = """
import asyncio, logging, threading, time
import pytest
from tests import guards
from interject.wire.setting_field import _to_bool
from interject.wire import trace

release = threading.Event()
# What these tests leave never ends.
guards.GRACE_S = 0.5

class Said(trace.Record):
    KIND = "said"

class Sleepy(str):
    def lower(self):
        time.sleep(0.001)
        return "true"

async def test_task_left():
    asyncio.create_task(asyncio.sleep(3600), name="forgotten")

async def test_task_that_winds_up():
    asyncio.create_task(asyncio.sleep(0.02))

@pytest.mark.allow_tasks("to show the way out")
async def test_task_left_allowed():
    asyncio.create_task(asyncio.sleep(3600))

def test_thread_left():
    threading.Thread(target=release.wait, daemon=True, name="stray").start()

@pytest.mark.allow_threads("to show the way out")
def test_thread_left_allowed():
    threading.Thread(target=release.wait, daemon=True).start()

def test_blocking_outside_a_loop():
    assert _to_bool(Sleepy("on"))

async def test_blocking():
    _to_bool(Sleepy("on"))

async def test_blocking_caught_by_a_catch_all():
    try:
        _to_bool(Sleepy("on"))
    except Exception:
        logging.getLogger("x").exception("caught")

@pytest.mark.allow_blocking("to show the way out")
async def test_blocking_allowed():
    assert _to_bool(Sleepy("on"))

@pytest.mark.allow_blocking("")
async def test_marker_without_a_reason():
    pass

async def test_error_in_a_callback():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.01)

async def test_trace_may_write(tmp_path):
    file = await asyncio.to_thread(trace.FileTrace, tmp_path / "trace", "test")
    file.emit(Said())
    file.close()
"""


def test_each_guard_fails_the_tests_that_it_should_and_no_others(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "test_cases.py").write_text(CASES)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.guards", "-rA", "-q", str(tmp_path), "-o", "addopts="],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    outcomes: dict[str, set[str]] = {}
    for line in run.stdout.splitlines():
        word, _, rest = line.partition(" ")
        if word in {"PASSED", "FAILED", "ERROR"} and "::" in rest:
            outcomes.setdefault(rest.split("::")[1].split(" ")[0].removeprefix("test_"), set()).add(word)
    assert outcomes == {
        "task_left": {"PASSED", "ERROR"},
        "task_that_winds_up": {"PASSED"},
        "task_left_allowed": {"PASSED"},
        "thread_left": {"PASSED", "ERROR"},
        "thread_left_allowed": {"PASSED"},
        "blocking_outside_a_loop": {"PASSED"},
        "blocking": {"FAILED"},
        "blocking_caught_by_a_catch_all": {"PASSED", "ERROR"},
        "blocking_allowed": {"PASSED"},
        "marker_without_a_reason": {"ERROR"},
        "error_in_a_callback": {"PASSED", "ERROR"},
        "trace_may_write": {"PASSED"},
    }, run.stdout
    for named in ("forgotten", "stray", "Blocking call to time.sleep", "ZeroDivisionError", "say why"):
        assert named in run.stdout
