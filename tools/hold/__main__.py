"""Attack the four processes of a room on loopback, take servers and disk away, and say what that did.

Each part starts processes of its own, with the engines that need no download, and ends them. Nothing but loopback is
attacked: the attackers are 127.0.0.2.

Status: 0 all goals were met, 1 some were not, 2 it could not be tried.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError
from interject.wire.process import INTERRUPTED_STATUS
from tools.hold.lives import FULL_LENGTH, Length
from tools.hold.part import Size
from tools.hold.parts import PARTS, parts
from tools.hold.table import require_place, table, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.hold.part import Part, Row

_ROOT = Path(__file__).resolve().parents[2]
_MISTAKE_STATUS = 2
_DESCRIPTORS = 8192


def main() -> int:
    """Try it; status as above."""
    arguments = _parse(sys.argv[1:])
    if arguments.list:
        _say("\n".join(part.name for part in PARTS))
        return 0
    # Attackers have a thousand connections at a time.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, _DESCRIPTORS), most))
    size = Size.SHORT if arguments.short else Size.FULL
    chosen = [part for part in parts(_length(arguments)) if not arguments.only or part.name in arguments.only]
    began = time.monotonic()
    try:
        if arguments.table is not None:
            require_place(arguments.table)
        rows = asyncio.run(_try(chosen, arguments.work.resolve(), size))
        if arguments.table is not None:
            write_table(arguments.table, rows)
    except InterjectError as error:
        sys.stderr.write(f"test-hold: {error}\n")
        return _MISTAKE_STATUS
    except KeyboardInterrupt:
        sys.stderr.write("\ntest-hold: stopped; what it had started is gone\n")
        return INTERRUPTED_STATUS
    missed = [row for row in rows if not row.held]
    _say(f"\n{table(rows)}\n{len(rows) - len(missed)} of {len(rows)} held, in {time.monotonic() - began:.0f} s.")
    return 1 if missed else 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/test-hold", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="a little of everything, as script/test tries it")
    names = [part.name for part in PARTS]
    parser.add_argument("--only", action="append", choices=names, metavar="PART", help="this part (repeatable)")
    parser.add_argument("--list", action="store_true", help="name the parts")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the figures into this page, at its two marks")
    parser.add_argument(
        "--work", type=Path, default=_ROOT / "out" / "hold", metavar="DIR", help="logs and records (default: out/hold)"
    )
    parser.add_argument("--hours", type=_positive, metavar="H", help="how long the part lives lives in virtual time")
    parser.add_argument("--minutes", type=_positive, metavar="M", help="and how long it talks in real processes")
    arguments = parser.parse_args(argv)
    if arguments.table is not None and (arguments.short or arguments.only):
        parser.error("--table is for all parts in full size; leave --short and --only out")
    return arguments


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: a number above 0")
    return number


def _length(arguments: argparse.Namespace) -> Length:
    """Return how long to live: who asks for so many hours waits until they are over."""
    hours, patience_s, minutes = FULL_LENGTH.hours, FULL_LENGTH.patience_s, FULL_LENGTH.minutes
    if arguments.hours is not None:
        hours, patience_s = arguments.hours, math.inf
    return Length(hours, patience_s, arguments.minutes or minutes)


async def _try(parts: Sequence[Part], work: Path, size: Size) -> list[Row]:
    rows: list[Row] = []
    for part in parts:
        folder = work / part.name
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        await asyncio.to_thread(folder.mkdir, parents=True)
        began = time.monotonic()
        found = await part.run(folder, size)
        _say(f"{part.name}, {time.monotonic() - began:.0f} s")
        for row in found:
            _say(f"  {'held  ' if row.held else 'MISSED'}  {row.attack} ({row.tried}): {row.seen}; goal: {row.goal}")
        rows += found
    return rows


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
