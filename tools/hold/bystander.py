"""Somebody who wants nothing but answers to pings, in a process of its own: attackers must not make it late.

As a program it reads lines: `URI`s separated by spaces, then an empty line for each report that is wanted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tools.hold.caller import Call, call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

_ROOT = Path(__file__).resolve().parents[2]
# Often enough to have a hundred in two seconds, and no load by itself.
_PAUSE_S = 0.02


@dataclass(slots=True)
class Pings:
    """How long the answers took, and how many pings had none within ANSWER_S, or lost their connection."""

    took_s: list[float] = field(default_factory=list)
    unanswered: int = 0

    def percentile_ms(self, percent: int) -> float:
        """Return a percentile of what the answers took; 0 where there was none."""
        ordered = sorted(self.took_s)
        return 1000 * ordered[(len(ordered) - 1) * percent // 100] if ordered else 0.0

    def told(self) -> str:
        """Say so."""
        late = f", {self.unanswered} unanswered" if self.unanswered else ""
        return f"P50 {self.percentile_ms(50):.1f}, P99 {self.percentile_ms(99):.1f} ms{late}"


def together(pings: Iterable[Pings]) -> Pings:
    """Put the pings of several listeners together."""
    all_of_them = list(pings)
    return Pings([took for each in all_of_them for took in each.took_s], sum(each.unanswered for each in all_of_them))


class Bystander:
    """Pings all listeners of a house, one after the other answer, each by a connection that stays."""

    def __init__(self, process: asyncio.subprocess.Process, names: Sequence[str]) -> None:
        self._process = process
        self._names = names

    async def report(self) -> dict[str, Pings]:
        """Return what happened since the last report, by listener."""
        assert self._process.stdin is not None  # noqa: S101 - it was started with pipes
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(b"\n")
        found = json.loads(await self._process.stdout.readline())
        return {name: Pings(**each) for name, each in zip(self._names, found, strict=True)}


@contextlib.asynccontextmanager
async def bystander(uris: Mapping[str, str]) -> AsyncIterator[Bystander]:
    """Have somebody ping these listeners until the context ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, cwd=_ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        # A report holds each of some thousands of pings.
        limit=1 << 24,
    )  # fmt: skip
    assert process.stdin is not None  # noqa: S101 - it was started with pipes
    try:
        process.stdin.write(" ".join(uris.values()).encode() + b"\n")
        watching = Bystander(process, list(uris))
        # The first one comes when it has begun.
        await watching.report()
        yield watching
    finally:
        process.kill()
        await process.wait()


async def _ping(uri: str, pings: list[Pings]) -> None:
    connection: Call | None = None
    while True:
        began = time.monotonic()
        try:
            connection = connection or await call(uri)
            answered = await connection.answers()
        except OSError:
            answered = False
        if answered:
            pings[0].took_s.append(time.monotonic() - began)
        else:
            pings[0].unanswered += 1
            if connection is not None:
                connection.close()
            connection = None
        await asyncio.sleep(_PAUSE_S)


async def _watch() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    uris = (await reader.readline()).decode().split()
    found = [[Pings()] for _ in uris]
    pinging = [
        asyncio.create_task(_ping(uri, pings), name=f"pings to {uri}") for uri, pings in zip(uris, found, strict=True)
    ]
    while await reader.readline():
        sys.stdout.write(json.dumps([asdict(pings[0]) for pings in found]) + "\n")
        sys.stdout.flush()
        for pings in found:
            pings[0] = Pings()
    for task in pinging:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(_watch())
