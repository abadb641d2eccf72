from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from interject.servers.worker_thread import WorkerThread, run_in_thread
from tools.testing.patience import PATIENCE_S, eventually


async def test_an_error_in_a_job_reaches_who_waits_and_spares_the_thread() -> None:
    worker = WorkerThread("test")
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 // 0)
    assert await worker.run(lambda: 7) == 7
    worker.close()


async def test_a_job_that_is_cancelled_before_it_begins_is_left_out() -> None:
    worker, go_on, done = WorkerThread("test"), threading.Event(), list[str]()
    first = asyncio.create_task(worker.run(lambda: go_on.wait(PATIENCE_S)))
    second = asyncio.create_task(worker.run(lambda: done.append("second")))
    third = asyncio.create_task(worker.run(lambda: done.append("third")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    go_on.set()
    await asyncio.gather(first, third)
    worker.close()
    assert done == ["third"]


async def test_the_thread_of_one_job_ends_with_it() -> None:
    name = "test of one job"
    assert await run_in_thread(lambda: threading.current_thread().name, name) == name
    await eventually(lambda: name not in {thread.name for thread in threading.enumerate()}, "the thread to end")


@pytest.mark.parametrize("ends", ["loop.close()", "pass"], ids=["loop closed", "loop left"])
def test_a_job_that_never_ends_does_not_hold_up_the_end_of_the_process(ends: str) -> None:
    program = f"""
import asyncio, threading
from interject.servers.worker_thread import run_in_thread
loop, go_on = asyncio.new_event_loop(), threading.Event()
task = loop.create_task(run_in_thread(go_on.wait, "hangs"))
loop.run_until_complete(asyncio.sleep(0.05))
task.cancel()
loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
{ends}
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert ended.stderr == ""


def test_a_result_that_comes_after_the_loop_is_gone_is_dropped_without_a_word() -> None:
    program = """
import asyncio, threading, time
from interject.servers.worker_thread import run_in_thread
loop, go_on = asyncio.new_event_loop(), threading.Event()
task = loop.create_task(run_in_thread(go_on.wait, "late"))
loop.run_until_complete(asyncio.sleep(0.05))
task.cancel()
loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
loop.close()
go_on.set()
while any(thread.name == "late" for thread in threading.enumerate()):
    time.sleep(0.01)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert ended.stderr == ""
