"""Runs the programs of hooks beside the conversation: it never waits for them."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.satellite.records.hooks.table import Hook, hook_call
from interject.wire.errors import InterjectError, SettingError
from interject.wire.outage import Outage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.satellite.settings import SatelliteSettings
    from interject.wire.trace import Record


_LOGGER = logging.getLogger(__name__)

# Lights and relays are switched within milliseconds; what takes longer hangs, or should go on in the background.
HOOK_TIMEOUT_S = 10.0
# A service must be gone 2 s after SIGTERM; a program that has not ended by then is killed.
_END_WITHIN_S = 0.5
# Some ten turns of a hook that hangs; of what is older nobody wants to be told any more.
WAITING_CALLS = 32
# What a hook prints goes where the log goes.
_STANDARD_ERROR = 2


class HookFailedError(InterjectError):
    """The program of a hook could not be run, or did not do what it should."""

    def __init__(self, flag: str, program: str, reason: str) -> None:
        super().__init__(f"{flag}: {program} {reason}; run it by hand to see why")
        self.flag = flag
        self.program = program
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Command:
    """A hook's program and its arguments; nothing of it is seen by a shell."""

    hook: Hook
    words: tuple[str, ...]

    @property
    def flag(self) -> str:
        """The flag that names it."""
        return f"--{self.hook.setting}"

    @property
    def program(self) -> str:
        """The program, as it was named."""
        return self.words[0]


def hook_commands(settings: SatelliteSettings) -> tuple[Command, ...]:
    """Read the commands of all hooks that are set (blocking: it looks for the programs).

    Raises SettingError for a command that cannot be split or whose program is not there.
    """
    texts = {hook: getattr(settings, hook.setting.replace("-", "_")) for hook in Hook}
    return tuple(read_command(hook, text) for hook, text in texts.items() if text)


def read_command(hook: Hook, text: str) -> Command:
    """Split a command and look for its program (blocking); raises SettingError."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise SettingError(hook.setting, f"the quotes of {text!r} do not match ({error})") from None
    if not words:
        raise SettingError(hook.setting, "it names no program; leave it out, or name one")
    if shutil.which(words[0]) is None:
        raise SettingError(
            hook.setting,
            f"there is no program {words[0]!r} that may be run; install it, or give its whole path (no shell "
            "is involved: ~ and $ mean nothing)",
        )
    return Command(hook, words)


class EventHooks:
    """A Trace that runs programs: those of one hook in order, one at a time, different hooks beside each other."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self._queues = {command.hook: HookQueue(command) for command in commands}

    def emit(self, record: Record, _t: float | None = None, /) -> None:
        """Have the hook of this record run, if there is one; returns at once."""
        call = hook_call(record)
        if call is not None and call.hook in self._queues:
            self._queues[call.hook].add(call.stdin)

    async def run(self) -> None:
        """Run hooks until cancelled; programs that run then are ended."""
        async with asyncio.TaskGroup() as tasks:
            for hook, queue in self._queues.items():
                tasks.create_task(queue.run(), name=f"hook {hook.value}")
            await asyncio.Event().wait()


async def load_hooks(settings: SatelliteSettings) -> EventHooks:
    """Make the hooks that the settings ask for; raises SettingError for a command that cannot work."""
    return EventHooks(await asyncio.to_thread(hook_commands, settings))


class HookQueue:
    """The calls of one hook: a bounded queue, of which the oldest are left out when the program is too slow."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._calls: asyncio.Queue[bytes] = asyncio.Queue(WAITING_CALLS)
        self._lateness = Outage(_LOGGER)
        self._failures = Outage(_LOGGER)

    def add(self, stdin: bytes) -> None:
        """Queue a call; returns at once."""
        if self._calls.full():
            self._calls.get_nowait()
            flag, program = self._command.flag, self._command.program
            self._lateness.failed("%s: %s is too slow; some of its calls are left out", flag, program)
        self._calls.put_nowait(stdin)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            stdin = await self._calls.get()
            try:
                await run_program(self._command, stdin)
            except HookFailedError as error:
                self._failures.failed("%s", error)
            else:
                self._note_success()

    def _note_success(self) -> None:
        flag, program = self._command.flag, self._command.program
        self._failures.worked("%s: %s works again", flag, program)
        if self._calls.empty():
            self._lateness.worked("%s: %s keeps up again", flag, program)


async def run_program(command: Command, stdin: bytes) -> None:
    """Run a hook's program to its end; HookFailedError when it cannot be run, hangs (and is ended), or complains."""

    def failed(reason: str) -> HookFailedError:
        return HookFailedError(command.flag, command.program, reason)

    try:
        process = await asyncio.create_subprocess_exec(
            *command.words,
            stdin=asyncio.subprocess.PIPE,
            stdout=_STANDARD_ERROR,
            # A group of its own: a script ends together with what it waits for.
            process_group=0,
        )
    except (OSError, ValueError) as error:
        raise failed(f"cannot be started ({error})") from None
    try:
        async with asyncio.timeout(HOOK_TIMEOUT_S):
            await process.communicate(stdin)
            await _stdin_closed(process)
    except TimeoutError:
        raise failed(f"had not ended after {HOOK_TIMEOUT_S:g} s and was ended") from None
    finally:
        if process.returncode is None:
            await _end(process)
    if process.returncode:
        raise failed(f"ended with exit code {process.returncode}")


async def _stdin_closed(process: asyncio.subprocess.Process) -> None:
    """Take note of what a program did not read: Python 3.11.2 logs it as an error unless somebody asks."""
    if process.stdin is not None:
        with suppress(BrokenPipeError, ConnectionResetError):
            await process.stdin.wait_closed()


async def _end(process: asyncio.subprocess.Process) -> None:
    ended = asyncio.create_task(process.wait(), name=f"end of hook process {process.pid}")
    try:
        _signal(process, signal.SIGTERM)
        await asyncio.wait({ended}, timeout=_END_WITHIN_S)
    finally:
        # Also what a script leaves behind.
        _signal(process, signal.SIGKILL)
        await asyncio.wait({ended}, timeout=_END_WITHIN_S)
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
