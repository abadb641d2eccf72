"""Programs as parts of a device: started without a shell, heard when they fail, ended for certain."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import shlex
import signal
import struct
import termios
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from interject.satellite.audio.base import DeviceSetupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AsyncExitStack

_LOGGER = logging.getLogger(__name__)

# arecord and aplay end within some milliseconds of SIGTERM; what takes longer hangs in its driver.
END_WITHIN_S = 1.0
# What a dying program says is written before it ends: it only has to be read.
LAST_WORDS_WITHIN_S = 1.0
# A program's last complaint is in its last lines.
KEPT_LINES = 20
READ_BYTES = 4096


class Program:
    """A running program: its standard output to read, its standard error kept for the day it fails."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self.name = name
        self._process = process
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._listening = asyncio.create_task(self._listen(), name=f"errors of {name}")

    @classmethod
    async def start(cls, command: str, flag: str, stack: AsyncExitStack, standard_input: int | None = None) -> Program:
        """Start `command`, which `stack` ends; DeviceSetupError names `flag` when it cannot be started."""
        remedy = f"correct {flag}, or install the program that it names"
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise DeviceSetupError(f"{flag} {command!r}", f"its quotes do not match ({error})", remedy) from error
        if not words:
            raise DeviceSetupError(flag, "it is empty", remedy)
        devnull, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=devnull if standard_input is None else standard_input,
                stdout=pipe if standard_input is None else devnull,
                stderr=pipe,
                # A group of its own: a wrapper script ends together with what it started.
                process_group=0,
            )
        except OSError as error:
            raise DeviceSetupError(f"{flag} {command!r}", error.strerror or str(error), remedy) from error
        program = cls(process, f"{flag} {command!r}")
        stack.push_async_callback(program._end)
        return program

    @property
    def output(self) -> asyncio.StreamReader:
        """What the program writes to its standard output."""
        if self._process.stdout is None:
            raise ValueError(f"{self.name} was started with its output thrown away")
        return self._process.stdout

    async def last_words(self) -> str:
        """Tell how the program ended and what it last complained of."""
        # One that closed its streams and lives on has no exit code to tell.
        await asyncio.wait({self._listening}, timeout=LAST_WORDS_WITHIN_S)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), LAST_WORDS_WITHIN_S)
        code = self._process.returncode
        how = "it closed its audio stream" if code is None else f"it ended with exit code {code}"
        return f"{how}: {self._lines[-1]}" if self._lines else how

    async def _listen(self) -> None:
        errors = self._process.stderr
        if errors is None:
            return
        unfinished = ""
        while data := await errors.read(READ_BYTES):
            *lines, unfinished = (unfinished + data.decode(errors="replace")).split("\n")
            unfinished = unfinished[-READ_BYTES:]
            self._keep(lines)
        self._keep([unfinished])

    def _keep(self, lines: list[str]) -> None:
        for line in filter(str.strip, lines):
            _LOGGER.debug("%s: %s", self.name, line)
            self._lines.append(line.strip())

    async def _end(self) -> None:
        # asyncio takes a process for ended when its pipes have ended too, behind all that nobody has read.
        draining = asyncio.create_task(self._drain(), name=f"last output of {self.name}")
        ended = asyncio.create_task(self._process.wait(), name=f"end of {self.name}")
        try:
            self._signal(signal.SIGTERM)
            await asyncio.wait({ended}, timeout=END_WITHIN_S)
        finally:
            # Also what a wrapper script leaves behind.
            self._signal(signal.SIGKILL)
            await asyncio.wait({ended}, timeout=END_WITHIN_S)
            if not ended.done():
                _LOGGER.debug("%s: something that it started still holds its output", self.name)
            for task in (draining, ended, self._listening):
                task.cancel()
            await asyncio.gather(draining, ended, self._listening, return_exceptions=True)

    async def _drain(self) -> None:
        while self._process.stdout is not None and await self._process.stdout.read(READ_BYTES):
            pass

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


class SmallPipe:
    """A pipe that holds little, so that silence after a flush is soon heard; writing never blocks."""

    def __init__(self, reader: int, writer: int) -> None:
        self.reader = reader
        self._writer = writer
        self._reader_open = True
        self._pending = bytearray()

    @classmethod
    @contextmanager
    def open(cls, capacity_bytes: int) -> Iterator[SmallPipe]:
        """Open a pipe of about this capacity (the system rounds up to pages), where the system can tell it."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, capacity_bytes)
        pipe = cls(reader, writer)
        try:
            yield pipe
        finally:
            pipe.close_reader()
            asyncio.get_running_loop().remove_writer(writer)
            os.close(writer)

    def close_reader(self) -> None:
        """Close this process's copy of the reading end, so that the program's end is noticed."""
        if self._reader_open:
            self._reader_open = False
            os.close(self.reader)

    @property
    def has_room(self) -> bool:
        """Whether the pipe has taken all that it was given."""
        return not self._pending

    def waiting_bytes(self) -> int:
        """Bytes that were written and not yet read at the other end."""
        (in_pipe,) = struct.unpack("i", fcntl.ioctl(self._writer, termios.FIONREAD, b"\0" * 4))
        return int(in_pipe) + len(self._pending)

    def write(self, data: bytes) -> None:
        """Write what the pipe takes now, keep the rest and write it when there is room.

        Raises BrokenPipeError when nobody reads any more.
        """
        self._pending += data
        self._write_pending()
        if self._pending:
            asyncio.get_running_loop().add_writer(self._writer, self._room_again)

    def _write_pending(self) -> None:
        with suppress(BlockingIOError):
            while self._pending:
                written = os.write(self._writer, self._pending)
                del self._pending[:written]

    def _room_again(self) -> None:
        try:
            self._write_pending()
        except BrokenPipeError:
            # The next write() meets it again, and there it is raised to the one who must know.
            self._pending.clear()
        if not self._pending:
            asyncio.get_running_loop().remove_writer(self._writer)
