"""What hearing and the whole satellite cost on this machine, and in instructions.

CPU time says something of this machine while nothing else runs; instructions say the same wherever they are counted.
The whole satellite hears a program's noise while it is idle, in blocks as a sound card gives them. In conversation it
is in the simulated room, which no real satellite has to calculate: what the room takes when it runs alone, wake-ups
included, is printed apart. So is what an event loop takes that only wakes up as often.
`--count callgrind` counts those of this machine with valgrind. `--count arm64` counts those of a Raspberry Pi 4 (its
cortex-a72) with qemu-user, in the folder that script/test-arm64 makes; that one counts part by part, and what else runs
all the time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from interject.satellite.audio.base import running
from interject.satellite.simulator.device import BLOCK_MS, SimulatedDevice
from interject.wire.errors import InterjectError
from tools.bench import noise as noise_program
from tools.bench.figures import load_figures
from tools.bench.frontend import RATES_HZ, Sound, front_end_figures
from tools.bench.instructions import Arm64, Callgrind
from tools.bench.report import Figure, Goal, missed, table
from tools.bench.run_room import run_room
from tools.bench.scenes import INTERRUPTION_S, interruptions
from tools.harness.processes import Processes, Program, free_uri, module_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.instructions import Counter
    from tools.bench.report import Share

_SECONDS = 30
_IDLE_GOAL_MS = 30
# A satellite has loaded everything and a canceller has looked around by then.
_SETTLED_S = 5.0
# Two lengths of each sound are counted: what starting takes is in both, and differs by 20 million.
_FIRST_S, _COUNTED_S = 2, 10
_GOAL_M = 120
_WAKE_WORD = "okay_nabu"


class Count(Enum):
    """What counts instructions."""

    CALLGRIND = "callgrind"
    ARM64 = "arm64"


def main() -> int:
    """Measure and print; status 1 where a goal is missed, 2 when something that is needed is missing."""
    arguments = _parse()
    figures: list[Figure | Share]
    try:
        if arguments.count is None:
            figures = [*front_end_figures(arguments.seconds), *asyncio.run(_whole(arguments.seconds))]
        else:
            figures = [*_instructions(_counter(arguments))]
    except (InterjectError, OSError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 2
    sys.stdout.write(f"{table(figures)}\n")
    return 1 if missed(figures) else 0


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
    heard = [(rate_hz, sound) for rate_hz in (RATES_HZ[0], RATES_HZ[-1]) for sound in Sound]
    lengths_s = (_FIRST_S, _FIRST_S + _COUNTED_S)

    def count(rate_hz: int, sound: Sound, seconds: int) -> int:
        words = (sound.value, str(rate_hz), str(seconds), str(lengths_s[-1]))
        return counter.count("tools.bench.frontend", *words)

    # How many there are does not depend on what else the machine does.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {each: [pool.submit(count, *each, seconds) for seconds in lengths_s] for each in heard}
        return [
            Figure(
                f"front end at {rate_hz} Hz, {sound.value}: instructions per second of audio",
                "M",
                [(whole.result() - first.result()) / _COUNTED_S / 1e6],
                f"{counter.name}: seconds {lengths_s[0]} to {lengths_s[-1]} of it, VAD included",
                [Goal(50, _GOAL_M)] if isinstance(counter, Arm64) else (),
            )
            for (rate_hz, sound), (first, whole) in waiting.items()
        ]


async def _whole(seconds: int) -> list[Figure | Share]:
    """Measure the whole process: idle, in conversation, and what of it only the simulation takes."""
    with tempfile.TemporaryDirectory() as folder:
        idle = await _idle(seconds)
        lines = interruptions(max(1, round(seconds / INTERRUPTION_S)))
        recordings = await run_room(lines, Path(folder) / "conversation", lambda _: None)
        process, _ = load_figures(recordings, ())
        return [
            idle,
            replace(process, name="satellite, whole process, in conversation: CPU per second of audio"),
            await _simulation("  of that the simulated room", SimulatedDevice(), seconds),
            await _simulation(
                "  of that the simulated room and its recording",
                SimulatedDevice(record_to=Path(folder) / "alone"),
                seconds,
            ),
            await _wake_ups(seconds),
        ]


async def _simulation(name: str, room: SimulatedDevice, seconds: int) -> Figure:
    """Run a room that nobody hears."""
    values = []
    then_s = time.process_time()
    async with running(room, lambda frames: np.zeros(frames, np.int16)) as blocks:
        async for block in blocks:
            if (block.frame + len(block.mic)) % room.rate_hz == 0:
                now_s = time.process_time()
                values.append((now_s - then_s) * 1000)
                then_s = now_s
                if len(values) == seconds:
                    break
    return Figure(name, "ms", values, f"CPU time of a process that does nothing else, awake each {BLOCK_MS} ms")


async def _wake_ups(seconds: int) -> Figure:
    """Wake up as often as a sound card's blocks come, and do nothing."""
    loop = asyncio.get_running_loop()
    values = []
    due_s = loop.time()
    for _ in range(seconds):
        then_s = time.process_time()
        for _ in range(1000 // BLOCK_MS):
            due_s += BLOCK_MS / 1000
            await asyncio.sleep(max(0.0, due_s - loop.time()))
        values.append((time.process_time() - then_s) * 1000)
    return Figure(
        "  of that the wake-ups alone", "ms", values, f"CPU time of an event loop that sleeps until each {BLOCK_MS} ms"
    )


async def _idle(seconds: int) -> Figure:
    """Measure a satellite that waits for its wake word in a room where nobody speaks, on devices that are programs."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "satellite.log"
        mic = f"{sys.executable} -m {noise_program.__name__}"
        devices = ["--mic-command", mic, "--mic-command-samples-per-chunk", str(noise_program.BLOCK_FRAMES)]
        flags = [*devices, "--snd-command", "cat", "--wake-word-name", _WAKE_WORD, "--no-zeroconf", *_no_servers()]
        async with Processes(os.environ) as processes:
            await processes.start(Program("satellite", module_of("satellite"), free_uri(), flags, log))
            await processes.wait_until_ready("satellite")
            await asyncio.sleep(_SETTLED_S)
            values = await _follow(psutil.Process(processes.pid("satellite")), seconds)
    return Figure(
        "satellite, whole process, idle with a wake word: CPU per second of audio",
        "ms",
        values,
        f"user + system time of the process in each second; microWakeWord listens for {_WAKE_WORD}, a microphone of "
        "16 kHz gives the noise of a quiet room in blocks of 20 ms",
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
