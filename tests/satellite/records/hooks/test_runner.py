"""Hooks run real programs: in order, with their input, beside the conversation, and not for ever."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from interject.satellite.records.conversation import ReplyFailed, Started
from interject.satellite.records.hooks.runner import (
    WAITING_CALLS,
    Command,
    EventHooks,
    HookFailedError,
    load_hooks,
    read_command,
    run_program,
)
from interject.satellite.records.hooks.table import Hook
from interject.satellite.settings import SatelliteSettings
from interject.wire.errors import SettingError
from tests.satellite.records.hooks.records import RECORDS, Reports, log_lines, understood, working
from tools.testing.patience import PATIENCE_S, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LOGGER = "interject.satellite.records.hooks.runner"


@pytest.fixture
async def reports(tmp_path: Path) -> AsyncIterator[Reports]:
    async with Reports(tmp_path / "r").serving() as reports:
        yield reports


async def command_for(hook: Hook, text: str) -> Command:
    return await asyncio.to_thread(read_command, hook, text)


async def hooks_for(reports: Reports, *hooks: Hook) -> EventHooks:
    commands: dict[str, Any] = {hook.setting.replace("-", "_"): reports.command(hook.value) for hook in hooks}
    return await load_hooks(SatelliteSettings(**commands))


async def test_all_hooks_get_what_happened_also_before_they_run(reports: Reports) -> None:
    hooks = await hooks_for(reports, *Hook)
    for record, _, _ in RECORDS:
        hooks.emit(record, 0.1)
    async with working(hooks):
        came = {await reports.next() for _ in RECORDS}
    assert came == {(hook.value, stdin) for _, hook, stdin in RECORDS}


async def test_the_calls_of_one_hook_come_in_order_and_one_at_a_time(reports: Reports) -> None:
    hooks = await hooks_for(reports, Hook.TRANSCRIPT)
    async with working(hooks):
        for number in range(10):
            hooks.emit(understood(str(number)))
        for number in range(10):
            assert await reports.next() == ("transcript", str(number))


async def test_a_hook_that_is_slow_holds_up_no_other_and_loses_its_oldest_calls(reports: Reports) -> None:
    reports.let_go.clear()
    hooks = await hooks_for(reports, Hook.TRANSCRIPT, Hook.STARTUP)
    with log_lines(LOGGER) as log:
        async with working(hooks):
            hooks.emit(understood("first"))
            assert await reports.next() == ("transcript", "first")
            for number in range(1000):
                hooks.emit(understood(str(number)))
            hooks.emit(Started())
            assert await reports.next() == ("startup", "")
            await log.wait_for("--transcript-command: ")
            reports.let_go.set()
            for number in range(1000 - WAITING_CALLS, 1000):
                assert await reports.next() == ("transcript", str(number))
            await log.wait_for("keeps up again")
    assert len(log.told) == 2


async def test_a_hook_that_fails_is_told_once_and_when_it_works_again(reports: Reports) -> None:
    hooks = await hooks_for(reports, Hook.TRANSCRIPT)
    with log_lines(LOGGER) as log:
        async with working(hooks):
            for text in ("bad", "bad", "good", "bad"):
                hooks.emit(understood(text))
            await log.wait_for("works again")
            await log.wait_for("exit code 3")
    first, again, second = log.told
    assert "--transcript-command: " in first
    assert sys.executable in first
    assert "ended with exit code 3; run it by hand" in first
    assert "works again" in again
    assert second == first


async def test_a_hook_that_hangs_is_ended_and_told_and_runs_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interject.satellite.records.hooks.runner.HOOK_TIMEOUT_S", 0.05)
    program = shlex.join(["sh", "-c", 'test "$(cat)" = hang && exec sleep 600; exit 0'])
    hooks = EventHooks([await command_for(Hook.ERROR, program)])
    with log_lines(LOGGER) as log:
        async with working(hooks):
            hooks.emit(ReplyFailed(1, "hang", ""))
            await log.wait_for("--error-command: sh had not ended after 0.05 s and was ended")
            monkeypatch.setattr("interject.satellite.records.hooks.runner.HOOK_TIMEOUT_S", 2 * PATIENCE_S)
            hooks.emit(ReplyFailed(1, "no", ""))
            await log.wait_for("--error-command: sh works again")


async def test_hooks_end_with_the_satellite_also_stubborn_ones_and_what_they_wait_for(reports: Reports) -> None:
    reports.let_go.clear()
    stubborn = f"trap '' TERM; {reports.command('child')}; exit"
    hooks = EventHooks([await command_for(Hook.STARTUP, shlex.join(["sh", "-c", stubborn]))])
    async with working(hooks):
        hooks.emit(Started())
        assert await reports.next() == ("child", "")
    async with expecting("what the hook waits for to be ended"):
        assert await reports.killed.get() == "child"


async def test_what_a_hook_leaves_in_the_background_goes_on(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    command = shlex.join(["sh", "-c", f"sleep 600 & echo $! > {shlex.quote(str(pid_file))}"])
    await run_program(await command_for(Hook.STARTUP, command), b"")
    # It raises when there is no such process.
    os.kill(int(pid_file.read_text()), signal.SIGKILL)


async def test_a_program_need_not_read(reports: Reports) -> None:
    await run_program(await command_for(Hook.SYNTHESIZE, "true"), b"x" * 1_000_000)


async def test_no_shell_is_involved(tmp_path: Path) -> None:
    target = tmp_path / "written"
    code = "import sys; sys.exit(len(sys.argv))"
    command = f"{sys.executable} -c '{code}' '$HOME' > {target}"
    with pytest.raises(HookFailedError, match="exit code 4"):
        await run_program(await command_for(Hook.STARTUP, command), b"")
    assert not target.exists()


async def test_a_program_need_not_read_what_it_is_given() -> None:
    for _ in range(20):
        await run_program(await command_for(Hook.TIMER_STARTED, "true"), b"x" * 200_000)


async def test_a_program_that_goes_away_is_told(tmp_path: Path) -> None:
    program = tmp_path / "blink"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    command = await command_for(Hook.CONNECTED, str(program))
    await run_program(command, b"")
    program.unlink()
    with pytest.raises(HookFailedError, match=r"--connected-command: .*blink cannot be started .*No such file"):
        await run_program(command, b"")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("'unmatched", r"the quotes of .* do not match"),
        ("   ", "names no program"),
        ("no-such-program --now", "no program 'no-such-program' that may be run"),
        ("~/blink", "~ and . mean nothing"),
    ],
)
async def test_a_command_that_cannot_work_is_told_at_the_start(command: str, told: str) -> None:
    with pytest.raises(SettingError, match=f"^timer-finished-command: .*{told}"):
        await load_hooks(SatelliteSettings(timer_finished_command=command))


async def test_without_hooks_it_works_until_cancelled() -> None:
    hooks = await load_hooks(SatelliteSettings(startup_command=""))
    async with working(hooks) as task:
        hooks.emit(Started())
        await asyncio.sleep(0)
        assert not task.done()
