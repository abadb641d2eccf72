"""The four processes of a room, started together and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TextIO

from wyoming.info import Describe, Info

from interject.wire.client import connect
from interject.wire.errors import InterjectError, WireError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# Loading onnxruntime or a model from a slow card takes seconds; a minute means that something is wrong.
_READY_TIMEOUT_S = 60.0
_READY_POLL_S = 0.05
# The services promise to be gone 2 s after SIGTERM.
_STOP_TIMEOUT_S = 3.0
# Below the ports that Linux gives to outgoing connections (32768 to 60999), above those that services are known by.
_PORTS = range(20_000, 32_000)
_PORTS_TRIED = 50
_LOG_TAIL_LINES = 15


class ProcessDiedError(InterjectError):
    """One of the processes ended by itself, or never became ready."""

    def __init__(self, name: str, what: str, log: str) -> None:
        super().__init__(f"{name} {what}; the end of its log:\n{log}" if log else f"{name} {what}")
        self.name = name


def module_of(program: str) -> str:
    """Return the module of a program of ours: satellite, stt, llm or tts."""
    return "interject.satellite" if program == "satellite" else f"interject.servers.{program}"


def free_uri() -> str:
    """Return a tcp URI on loopback that nothing listens at; for a minute no call, of any process, returns it again."""
    for port in random.sample(_PORTS, _PORTS_TRIED):
        address = ("127.0.0.1", port)
        with contextlib.suppress(OSError):
            with socket.socket() as probe:
                probe.bind(address)
            # Linux keeps the port of a connection that was closed (TIME_WAIT) from all but those who set SO_REUSEADDR,
            # as services do; the bind above does not.
            with socket.create_server(address) as keeper, socket.create_connection(address):
                keeper.accept()[0].close()
            return f"tcp://127.0.0.1:{port}"
    raise NoFreePortError(_PORTS)


class NoFreePortError(InterjectError):
    """Everything tried is taken."""

    def __init__(self, ports: range) -> None:
        super().__init__(f"no free port found on loopback from {ports.start} to {ports.stop - 1}")


@dataclass(frozen=True, slots=True)
class Program:
    """What to start: a module of ours, its arguments, where it listens and where its log goes.

    uri: empty for a satellite that only types. log: None for our own. command: what starts it, in place of this Python
    and the module; ready_s: how long it may take to answer.
    """

    name: str
    module: str
    uri: str
    arguments: Sequence[str] = ()
    log: Path | None = None
    command: Sequence[str] = ()
    ready_s: float = _READY_TIMEOUT_S


class Processes:
    """Runs programs; a context that stops them all on the way out."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._running: dict[str, tuple[Program, asyncio.subprocess.Process]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        # The satellite, the last that was started, first: then no server is asked for anything while it stops.
        if self._running:
            await self.stop(list(self._running)[-1])
        await asyncio.gather(*(self.stop(name) for name in list(self._running)))

    async def start(self, program: Program, stdin: int | TextIO = asyncio.subprocess.DEVNULL) -> None:
        """Start a program."""
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(program.log.open("ab")) if program.log else None
            address = ("--uri", program.uri) if program.uri else ()
            process = await asyncio.create_subprocess_exec(
                *(program.command or (sys.executable, "-m", program.module)), *address, *program.arguments,
                stdin=stdin, stderr=log, env=self._environment,
            )  # fmt: skip
        self._running[program.name] = (program, process)

    def pid(self, name: str) -> int:
        """Return the process id of a program."""
        return self._running[name][1].pid

    async def wait_until_ready(self, name: str) -> None:
        """Wait until a program that listens answers `describe`; raises ProcessDiedError."""
        program, process = self._running[name]
        try:
            async with asyncio.timeout(program.ready_s):
                while not await _answers(program.uri):
                    if process.returncode is not None:
                        raise _died(program, process.returncode)
                    await asyncio.sleep(_READY_POLL_S)
        except TimeoutError:
            raise ProcessDiedError(name, f"was not ready within {program.ready_s:g} s", _tail(program.log)) from None

    async def wait(self, name: str) -> int:
        """Wait until a program ends, and return its status."""
        return await self._running[name][1].wait()

    async def wait_for_end(self, name: str) -> int:
        """Wait until a program ends, and return its status; raises ProcessDiedError when another one ends first."""
        ends = {other: asyncio.create_task(self.wait(other), name=f"end of {other}") for other in self._running}
        try:
            await asyncio.wait(ends.values(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends.values():
                end.cancel()
            await asyncio.gather(*ends.values(), return_exceptions=True)
        program, process = self._running[name]
        if process.returncode is None:
            self.check()
        elif process.returncode < 0:
            raise _died(program, process.returncode)
        return process.returncode or 0

    def check(self) -> None:
        """Raise ProcessDiedError if a program has ended by itself."""
        for program, process in self._running.values():
            if process.returncode is not None:
                raise _died(program, process.returncode)

    async def stop(self, name: str) -> None:
        """Stop a program in good order, by force if it must be."""
        _, process = self._running.pop(name)
        if process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def kill(self, name: str) -> None:
        """End a program as a crash would."""
        _, process = self._running.pop(name)
        process.kill()
        await process.wait()


async def _answers(uri: str) -> bool:
    try:
        connection = await connect(uri)
    except WireError:
        return False
    try:
        async with asyncio.timeout(1):
            await connection.send(Describe().event())
            return Info.is_type((await connection.receive()).type)
    except (WireError, TimeoutError):
        return False
    finally:
        await connection.close()


def _died(program: Program, status: int) -> ProcessDiedError:
    how = f"ended with status {status}"
    if status < 0:
        how = f"was ended by signal {-status}, {signal.strsignal(-status)}"
    return ProcessDiedError(program.name, how, _tail(program.log))


def _tail(log: Path | None) -> str:
    if log is None or not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:])
