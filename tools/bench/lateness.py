"""How late a satellite handles its audio while a peer sends it all it can, and how long a ping of another peer takes.

The real programs run on loopback, the satellite on a microphone that is a program; it waits for its wake word. Each
flood comes in pairs with a stretch as long without one, one after the other: what else the machine does is in both. The
attackers run at nice 19, so that they take the processor from nobody, and what remains is what the service itself does
about them. Lateness is the satellite's own measure (`ctl status`); of the stretches of a kind the median of each
percentile is shown, and the worst of all.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
from wyoming.ping import Ping, Pong
from wyoming.user_event import UserEvent

from interject.wire.client import connect
from interject.wire.errors import InterjectError
from tools.bench import noise as noise_program
from tools.commit import commit
from tools.harness.floods import Flood
from tools.harness.processes import Processes, Program, free_uri, module_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

SATELLITE = "satellite"
SERVERS = ("stt", "llm", "tts")
_SERVICES = (SATELLITE, *SERVERS)
GOAL_P99_MS = 5.0
# An attacker that the rules of a stranger hold for: another address, yet of this machine.
STRANGER, SAME = "127.0.0.2", "127.0.0.1"
FLOODS = ((Flood.PINGS, SAME), *((flood, STRANGER) for flood in Flood))
_SECONDS = 5.0
_PAIRS = 3
_SETTLED_S = 3.0
# An attacker starts and connects within this; an attacked service settles within this.
_AROUND_S = 0.7
_PING_EACH_S = 0.02
_PERCENTILES = (50, 90, 99, 100)
_NOTHING = (0.0, 0.0, 0.0, 0.0)

# P50, P90, P99 and the worst, in ms.
Late = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some seconds of a service: how late its audio was, how long pongs took; cpu: share of a core; sent: frames."""

    audio: Late
    pong: Late
    cpu: float
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """A flood on a service in pairs of stretches: (without, with)."""

    service: str
    flood: Flood
    address: str
    pairs: Sequence[tuple[Stretch, Stretch]]

    def audio(self, side: int) -> Late:
        """Return the lateness of audio without (0) or with the flood (1)."""
        return _summary([pair[side].audio for pair in self.pairs])

    def pong(self, side: int) -> Late:
        """Return how long a bystander's ping took without (0) or with the flood (1)."""
        return _summary([pair[side].pong for pair in self.pairs])

    @property
    def added_p99_ms(self) -> float:
        """How much later audio is: the median of the pairs' differences of P99."""
        return statistics.median(attacked.audio[2] - quiet.audio[2] for quiet, attacked in self.pairs)

    @property
    def held(self) -> bool:
        """Whether the goal is met; only a satellite has audio."""
        return self.service != SATELLITE or self.added_p99_ms <= GOAL_P99_MS


def main() -> int:
    """Measure and print; status 1 where the goal is missed, 2 when a program did not run."""
    arguments = _parse()
    try:
        with tempfile.TemporaryDirectory() as folder:
            measured = asyncio.run(
                measure(Path(folder), arguments.seconds, arguments.pairs, FLOODS, arguments.services, _say)
            )
    except (InterjectError, OSError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 2
    short = [row for row in measured if not row.held]
    verdict = "goal missed" if short else "goal met"
    _say(f"\n{verdict}: audio at P99 at most {GOAL_P99_MS:g} ms later; commit {commit()}")
    return 1 if short else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench lateness", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=_SECONDS, help=f"of a stretch; default: {_SECONDS:g}")
    parser.add_argument("--pairs", type=int, default=_PAIRS, metavar="N", help=f"of each flood; default: {_PAIRS}")
    parser.add_argument(
        "--services", nargs="+", choices=_SERVICES, default=_SERVICES, help="which are attacked; default: all"
    )
    return parser.parse_args()


async def measure(
    folder: Path,
    seconds: float = _SECONDS,
    pairs: int = _PAIRS,
    floods: Sequence[tuple[Flood, str]] = FLOODS,
    services: Sequence[str] = _SERVICES,
    say: Callable[[str], None] = lambda _: None,
) -> list[Measured]:
    """Attack each service with each flood; `folder` is for logs, `say` is told each row as soon as there is one.

    Raises ProcessDiedError, WireError.
    """
    rows = []
    async with _house(folder) as house:
        say(_HEAD)
        for service in services:
            for flood, address in floods:
                stretches = [
                    (await house.stretch(service, seconds), await house.stretch(service, seconds, (flood, address)))
                    for _ in range(pairs)
                ]
                rows.append(Measured(service, flood, address, stretches))
                say(line_of(rows[-1]))
                house.processes.check()
    return rows


@dataclass(frozen=True, slots=True)
class _House:
    processes: Processes
    uris: dict[str, str]
    controls: str

    async def stretch(self, service: str, seconds: float, attack: tuple[Flood, str] | None = None) -> Stretch:
        process = psutil.Process(self.processes.pid(service))
        flooding = None
        if attack is not None:
            flood, address = attack
            port = self.uris[service].rsplit(":", 1)[1]
            flooding = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tools.harness.floods", flood.value, port, address, str(seconds + _AROUND_S),
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            await asyncio.sleep(_AROUND_S)
        before_s = _used_s(process)
        pong = await _pongs(self.uris[service], seconds)
        used_s = _used_s(process) - before_s
        audio = await self._audio(seconds) if service == SATELLITE else _NOTHING
        sent = 0
        if flooding is not None:
            output, _ = await flooding.communicate()
            sent = int(output or 0)
            await asyncio.sleep(_AROUND_S)
        return Stretch(audio, pong, used_s / seconds, sent)

    async def _audio(self, seconds: float) -> Late:
        connection = await connect(self.controls)
        try:
            await connection.send(UserEvent("status", {"seconds": seconds}).event())
            late = (await connection.receive()).data["data"]["lateness_ms"]
        finally:
            await connection.close()
        return late["p50"], late["p90"], late["p99"], late["max"]


@asynccontextmanager
async def _house(folder: Path) -> AsyncIterator[_House]:
    uris = {name: free_uri() for name in (*SERVERS, SATELLITE)}
    controls = folder / "controls"
    servers = [word for name in SERVERS for word in (f"--{name}-uri", uris[name])]
    mic = f"{sys.executable} -m {noise_program.__name__}"
    devices = ["--mic-command", mic, "--mic-command-samples-per-chunk", str(noise_program.BLOCK_FRAMES)]
    flags = {
        "llm": ["--store", str(folder / "conversations.sqlite3")],
        SATELLITE: [
            *servers, *devices, "--snd-command", "cat", "--wake-word-name", "okay_nabu", "--no-zeroconf",
            "--control-socket", str(controls), "--echo-memory", str(folder / "echo.json"),
        ],
    }  # fmt: skip
    async with Processes(os.environ) as processes:
        for name, uri in uris.items():
            await processes.start(Program(name, module_of(name), uri, flags.get(name, ()), folder / f"{name}.log"))
        for name in uris:
            await processes.wait_until_ready(name)
        await asyncio.sleep(_SETTLED_S)
        yield _House(processes, uris, f"unix://{controls}")


async def _pongs(uri: str, seconds: float) -> Late:
    """Ping as a bystander does, and return how long the answers took."""
    loop = asyncio.get_running_loop()
    until_s, took_ms = loop.time() + seconds, []
    connection = await connect(uri)
    try:
        while (asked_s := loop.time()) < until_s:
            await connection.send(Ping().event())
            while not Pong.is_type((await connection.receive()).type):
                pass
            took_ms.append(1000 * (loop.time() - asked_s))
            await asyncio.sleep(_PING_EACH_S)
    finally:
        await connection.close()
    return _late(took_ms)


def _late(took_ms: Sequence[float]) -> Late:
    p50, p90, p99, worst = (float(value) for value in np.percentile(took_ms, _PERCENTILES))
    return p50, p90, p99, worst


def _summary(stretches: Sequence[Late]) -> Late:
    p50, p90, p99, worst = zip(*stretches, strict=True)
    return statistics.median(p50), statistics.median(p90), statistics.median(p99), max(worst)


def _used_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


_HEAD = (
    f"{'':34}  {'audio late, ms: P50/P90/P99/max':>49}  {'':>8}  {'ping of a bystander, ms':>47}  {'CPU, %':>9}  sent\n"
    f"{'':34}  {'without':>24} {'with':>24}  {'P99 more':>8}  {'without':>23} {'with':>23}"
)


def line_of(row: Measured) -> str:
    """Return a row of the table."""
    name = f"{row.service}: {row.flood.value} from {row.address}"
    audio = ("", "") if row.service != SATELLITE else (_written(row.audio(0)), _written(row.audio(1)))
    more = f"{row.added_p99_ms:+.1f}" if row.service == SATELLITE else ""
    cpu = "/".join(f"{100 * statistics.median(pair[side].cpu for pair in row.pairs):.0f}" for side in (0, 1))
    sent = sum(attacked.sent for _, attacked in row.pairs)
    return (
        f"{name:34}  {audio[0]:>24} {audio[1]:>24}  {more:>8}  {_written(row.pong(0)):>23} {_written(row.pong(1)):>23}"
        f"  {cpu:>9}  {sent}{'' if row.held else '  MISSED'}"
    )


def _written(late: Late) -> str:
    return "/".join(f"{value:.1f}" for value in late)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
