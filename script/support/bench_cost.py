r"""What hearing costs on this machine, and in instructions.

CPU time says something of this machine while nothing else runs; instructions say the same wherever they are counted.
`--count callgrind` counts those of this machine with valgrind. `--count arm64` counts those of a Raspberry Pi 4 (its
cortex-a72) with qemu-user, in a folder that has Python and the satellite's packages for it; as root on Debian:

  apt-get install mmdebstrap qemu-user gcc
  mmdebstrap --arch=arm64 --variant=extract --include=python3,libgomp1 trixie ROOT
  ln -s usr/lib ROOT/lib
  uv pip install --python-version 3.13 --python-platform aarch64-manylinux_2_40 --only-binary :all: --target \
    ROOT/opt/site numpy onnxruntime soxr webrtc-noise-gain wyoming silero-vad   (versions: pyproject.toml)
  script/bench cost --count arm64 --arm64-root ROOT
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from script.support.bench_frontend import RATES_HZ, Sound, front_end_figures
from script.support.bench_instructions import Arm64, Callgrind
from script.support.bench_report import Figure, Goal, Verdict, table
from script.support.processes import Processes, Program, free_uri
from wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from script.support.bench_instructions import Counter

_SECONDS = 30
_IDLE_GOAL_MS = 30
# A satellite has loaded everything and a canceller has looked around by then.
_SETTLED_S = 5.0
# Counted without a spread: two runs of a deterministic program differ by less than a thousandth.
_COUNTED_S = 2
_GOAL_M = 120
_WAKE_WORD = "okay_nabu"


class Count(Enum):
    """What counts instructions."""

    CALLGRIND = "callgrind"
    ARM64 = "arm64"


def main() -> int:
    """Measure and print; status 1 where a goal is missed, 2 when something that is needed is missing."""
    arguments = _parse()
    try:
        if arguments.count is None:
            figures = [*front_end_figures(arguments.seconds), asyncio.run(_idle(arguments.seconds))]
        else:
            figures = _instructions(_counter(arguments))
    except InterjectError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 2
    sys.stdout.write(f"{table(figures)}\n")
    return int(any(figure.verdict() is Verdict.MISSED for figure in figures))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench cost", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=_SECONDS, metavar="N", help=f"of each; default: {_SECONDS}")
    parser.add_argument("--count", type=Count, metavar="callgrind|arm64", help="count instructions instead")
    parser.add_argument("--arm64-root", type=Path, default=Path("out/arm64"), metavar="ROOT", help="see above")
    return parser.parse_args()


def _counter(arguments: argparse.Namespace) -> Counter:
    return Callgrind() if arguments.count is Count.CALLGRIND else Arm64(arguments.arm64_root)


def _instructions(counter: Counter) -> list[Figure]:
    """Count two lengths of each sound: what starting takes is in both."""
    figures = []
    for rate_hz in (RATES_HZ[0], RATES_HZ[-1]):
        for sound in Sound:
            started, whole = (
                counter.count(
                    "script.support.bench_frontend", sound.value, str(rate_hz), str(seconds), str(2 * _COUNTED_S)
                )
                for seconds in (_COUNTED_S, 2 * _COUNTED_S)
            )
            figures.append(
                Figure(
                    f"front end at {rate_hz} Hz, {sound.value}: instructions per second of audio",
                    "M",
                    [(whole - started) / _COUNTED_S / 1e6],
                    f"{counter.name}: seconds {_COUNTED_S} to {2 * _COUNTED_S} of it, VAD included",
                    [Goal(50, _GOAL_M)] if isinstance(counter, Arm64) else (),
                )
            )
    return figures


async def _idle(seconds: int) -> Figure:
    """Measure a satellite that waits for its wake word in a room where nobody speaks."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "satellite.log"
        flags = ["--audio", "simulated", "--wake-word-name", _WAKE_WORD, "--no-zeroconf", *_no_servers()]
        async with Processes(os.environ) as processes:
            await processes.start(Program("satellite", "satellite", free_uri(), flags, log))
            await processes.wait_until_ready("satellite")
            await asyncio.sleep(_SETTLED_S)
            values = await _follow(psutil.Process(processes.pid("satellite")), seconds)
    return Figure(
        "satellite, whole process, idle with a wake word: CPU per second of audio",
        "ms",
        values,
        f"user + system time of the process in each second; microWakeWord listens for {_WAKE_WORD}, the simulated room "
        "at 16 kHz included",
        [Goal(50, _IDLE_GOAL_MS)],
    )


def _no_servers() -> list[str]:
    return [word for name in ("stt", "llm", "tts") for word in (f"--{name}-uri", free_uri())]


async def _follow(process: psutil.Process, seconds: int) -> Sequence[float]:
    values = []
    then_s, used_s = time.monotonic(), _used_s(process)
    for _ in range(seconds):
        await asyncio.sleep(1)
        now_s, now_used_s = time.monotonic(), _used_s(process)
        values.append((now_used_s - used_s) / (now_s - then_s) * 1000)
        then_s, used_s = now_s, now_used_s
    return values


def _used_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    sys.exit(main())
