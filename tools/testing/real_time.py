"""Tests whose scene runs in real time, and whether the machine kept up with it.

A room lasts as long as it lasts: a microphone gives 50 blocks a second whoever else wants the processor. On a machine
that cannot keep up, a scene that fails proves nothing. Such a test is run once more, and skipped when it fails again
and the machine was late again; where the machine kept up, a failure is a failure at once.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import struct
import subprocess
import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Test = TypeVar("Test", bound="Callable[..., Any]")

# As often as a sound card gives a block.
_TICK_S = 0.02
# Half a block of the simulated room: what comes later than that meets the next block.
MOST_LATE_MS = 5.0
# That one tick in a hundred is later than that makes a difference nobody hears.
_PERCENTILE = 99

# It sleeps towards fixed times, and writes how late each time it woke, in seconds.
_TICKER = f"""
import struct, sys, time
began, number = time.monotonic(), 0
while True:
    number += 1
    due = began + number * {_TICK_S}
    time.sleep(max(0.0, due - time.monotonic()))
    sys.stdout.buffer.write(struct.pack("f", time.monotonic() - due))
    sys.stdout.buffer.flush()
"""


class RanAgainWarning(UserWarning):
    """A scene failed while the machine was late, and was run again."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late (ms) a ticker of 20 ms woke, a value a tick."""

    ticks_ms: Sequence[float]

    def percentile(self, percent: int) -> float:
        """Return a value that was measured; 0 where nothing was."""
        ordered = sorted(self.ticks_ms)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0

    @property
    def keeps_up(self) -> bool:
        """Whether a scene could run in real time beside it."""
        return self.percentile(_PERCENTILE) <= MOST_LATE_MS

    def __str__(self) -> str:
        values = ", ".join(f"P{percent} {self.percentile(percent):.1f}" for percent in (50, 90, 99, 100))
        count, limit = len(self.ticks_ms), f"P{_PERCENTILE} {MOST_LATE_MS:g}"
        return f"a ticker of {_TICK_S * 1000:g} ms was late by {values} ms in {count} ticks (limit: {limit})"


class Canary:
    """A ticker in a process of its own, which needs next to nothing and so shows what the machine does to others."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def stop(self) -> Lateness:
        """End it and tell how late it was."""
        self.process.kill()
        assert self.process.stdout is not None
        written = self.process.stdout.read()
        whole = written[: len(written) // 4 * 4]
        return Lateness([1000 * seconds for (seconds,) in struct.iter_unpack("f", whole)])


@contextlib.contextmanager
def canary() -> Iterator[Canary]:
    """Run the ticker while the block lasts."""
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", _TICKER], stdout=subprocess.PIPE) as process:
        try:
            yield Canary(process)
        finally:
            process.kill()


def real_time(test: Test) -> Test:
    """Mark a test whose scene runs in real time, and judge its failure by whether the machine kept up.

    Its second try has a folder of its own in place of `tmp_path`.
    """
    if inspect.iscoroutinefunction(test):

        @functools.wraps(test)
        async def run(**arguments: Any) -> None:
            with _first_try(test.__name__) as tried:
                await test(**arguments)
            if tried.again:
                with _last_try():
                    await test(**_anew(arguments))
    else:

        @functools.wraps(test)
        def run(**arguments: Any) -> None:
            with _first_try(test.__name__) as tried:
                test(**arguments)
            if tried.again:
                with _last_try():
                    test(**_anew(arguments))

    return cast("Test", pytest.mark.real_time(run))


@dataclass(slots=True)
class _Tried:
    again: bool = False


@contextlib.contextmanager
def _first_try(name: str) -> Iterator[_Tried]:
    tried = _Tried()
    with canary() as watched:
        try:
            yield tried
        except (Exception, pytest.fail.Exception) as error:
            lateness = watched.stop()
            if lateness.keeps_up:
                error.add_note(f"The machine kept up: {lateness}")
                raise
            tried.again = True
            told = f"a scene was run again: {name}; {lateness}; {_first_line(error)}"
            warnings.warn(told, RanAgainWarning, stacklevel=2)


@contextlib.contextmanager
def _last_try() -> Iterator[None]:
    with canary() as watched:
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:
            lateness = watched.stop()
            if lateness.keeps_up:
                error.add_note(f"The machine kept up at the second try: {lateness}")
                raise
            pytest.skip(f"the machine did not keep up with real time: {lateness}; twice failed: {_first_line(error)}")


def _anew(arguments: dict[str, Any]) -> dict[str, Any]:
    """Give the arguments of a second try."""
    if "tmp_path" not in arguments:
        return arguments
    folder = arguments["tmp_path"] / "again"
    folder.mkdir()
    return arguments | {"tmp_path": folder}


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
