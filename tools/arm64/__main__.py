"""Run the satellite and the servers as a Raspberry Pi would, in emulation, and count their instructions.

1. Debian's Python 3.13 for arm64 is unpacked into --root, with the wheel of this checkout and all its packages.
   PyAudio, which has no wheels, is compiled for it.
2. Each program starts and says what it is. A clip is transcribed, a question answered, a sentence spoken.
3. The VAD, a wake word, the stop words, the player and the whole front end get the same sounds in emulation and
   natively, and have to make the same of them.
4. The instructions of each part are counted, twice. A part that takes over 10 % more than was recorded is a failure;
   --record writes down what it takes now.

The count does not depend on what else the machine does; no time is told, as caches and memory are not modelled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interject.wire.errors import InterjectError
from tools.arm64.agreement import compare
from tools.arm64.limits import LimitsError, Recorded, exceeded, read, table, write
from tools.arm64.parts import counts_of
from tools.arm64.programs import try_programs
from tools.arm64.root import NeededError, NeedsRootError, make_root
from tools.bench.instructions import Arm64
from tools.home_assistant.chroot import NoMirrorError, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tools.arm64.agreement import Check

_REPOSITORY = Path(__file__).resolve().parents[2]
LIMITS = Path(__file__).with_name("limits.json")
# The second tells how much of the first is chance.
_TIMES = 2
_EPILOG = """
It needs root, mmdebstrap, qemu-user, gcc and gcc-aarch64-linux-gnu, which are installed where they are missing, 1 GB in
--root and some ten minutes. Nothing outside of --root is changed, and nothing is mounted.
Status: 0 all is well, 1 something failed or grew, which is told, 2 something that is needed is missing.
"""


class Step(Enum):
    """What can be done alone, in the folder of an earlier run."""

    PROGRAMS = "programs"
    OUTPUTS = "outputs"
    COUNTS = "counts"


def main() -> int:
    """Do it all and print; see the status above."""
    arguments = _parse()
    try:
        failures = asyncio.run(_all(arguments))
    except InterjectError as error:
        sys.stderr.write(f"test-arm64: {error}\n")
        return 2 if isinstance(error, NeededError | NeedsRootError | NoMirrorError | LimitsError) else 1
    for failure in failures:
        _say(f"FAILED  {failure}")
    if not failures:
        _say("All is well.")
    return 1 if failures else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/test-arm64",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, default=Path("out/arm64"), metavar="DIR", help="default: out/arm64")
    parser.add_argument(
        "--only", type=Step, metavar="|".join(step.value for step in Step), help="one step of it, again"
    )
    counts = parser.add_mutually_exclusive_group()
    counts.add_argument("--check", action="store_true", help="hold the counts against what was recorded (default)")
    counts.add_argument("--record", action="store_true", help=f"write the counts to {LIMITS.relative_to(_REPOSITORY)}")
    return parser.parse_args()


async def _all(arguments: argparse.Namespace) -> list[str]:
    """Return what failed."""
    root: Path = arguments.root.resolve()
    steps = list(Step) if arguments.only is None else [arguments.only]
    if arguments.only is None or not (root / "opt" / "site").exists():
        await make_root(root, _say)
    arm64 = Arm64(root)
    failures: list[str] = []
    if Step.PROGRAMS in steps:
        with tempfile.TemporaryDirectory() as logs:
            failures += await _told(try_programs(arm64, Path(logs)))
    if Step.OUTPUTS in steps:
        failures += await _told(_compared(arm64))
    if Step.COUNTS in steps:
        failures += await _counted(arm64, record=arguments.record)
    return failures


async def _told(checks: AsyncIterator[Check]) -> list[str]:
    failed = []
    async for check in checks:
        _say(str(check))
        if not check.passed:
            failed.append(check.what)
    return failed


async def _compared(arm64: Arm64) -> AsyncIterator[Check]:
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for name, python, packages in (("native", [sys.executable], ""), ("arm64", arm64.python(), str(arm64.site))):
            path = Path(folder) / f"{name}.json"
            environment = {**os.environ, "PYTHONPATH": f"{_REPOSITORY}:{packages}", "OMP_NUM_THREADS": "1"}
            await run(*python, "-m", "tools.arm64.outputs", str(path), environment=environment)
            written = await asyncio.to_thread(path.read_text)
            found.append({key: np.array(values) for key, values in json.loads(written).items()})
    for check in compare(*found):
        yield check


async def _counted(arm64: Arm64, *, record: bool) -> list[str]:
    _say(f"counting instructions, {_TIMES} times …")
    runs = [await asyncio.to_thread(arm64.parts, "tools.arm64.parts") for _ in range(_TIMES)]
    counts = counts_of(runs)
    commit, method = await _commit(), f"{arm64.name}, seconds 2 to 12 of each sound"
    if record:
        write(LIMITS, Recorded(commit, method, {count.name: count.least_m for count in counts}))
    try:
        recorded = read(LIMITS)
    except LimitsError:
        _say(table(counts, None))
        raise
    _say(f"\n{table(counts, recorded)}\n")
    _say(f"commit {commit}, {method}, counted {_TIMES} times; recorded at {recorded.commit}\n")
    return list(exceeded(counts, recorded))


async def _commit() -> str:
    try:
        commit = (await run("git", "-C", str(_REPOSITORY), "rev-parse", "--short", "HEAD")).strip()
        changed = await run("git", "-C", str(_REPOSITORY), "status", "--porcelain", "--untracked-files=no")
    except InterjectError:
        return "of no repository"
    return f"{commit} with changes" if changed else commit


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
