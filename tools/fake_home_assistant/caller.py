"""Somebody who connects to a satellite from an address of his choice, and does as Home Assistant as far as it takes.

As a program, with the satellite's port and the address, it prints a line for each event it gets, and `end`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from wyoming.ping import Ping, Pong
from wyoming.pipeline import RunPipeline
from wyoming.satellite import RunSatellite
from wyoming.wake import Detect

from interject.wire.framing import read_event, write_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from wyoming.event import Event


@dataclass
class Caller:
    """A connection; `told` is given each event it gets."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    answers: bool = True
    got: list[Event] = field(default_factory=list)
    ended: bool = False

    @classmethod
    async def call(cls, port: int, address: str) -> Self:
        """Connect to this machine's port from one of its addresses; raises OSError."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)))

    async def send(self, *events: Event) -> None:
        """Send events; raises OSError."""
        for event in events:
            await write_event(event, self.writer)

    async def live(self, told: Callable[[Event], None] = lambda _: None) -> None:
        """Say `run-satellite`; then answer pings while `answers`, and listen for a wake word, until the end."""
        with contextlib.suppress(OSError):
            await self.send(RunSatellite().event())
            while (event := await read_event(self.reader)) is not None:
                self.got.append(event)
                told(event)
                if Ping.is_type(event.type) and self.answers:
                    await self.send(Pong(text=Ping.from_event(event).text).event())
                elif RunPipeline.is_type(event.type):
                    await self.send(Detect().event())
        self.ended = True

    def of(self, kind: str) -> list[Event]:
        """Return what it got of a kind."""
        return [event for event in self.got if event.type == kind]


async def _main(port: int, address: str) -> None:
    caller = await Caller.call(port, address)
    await caller.live(lambda event: print(event.type, flush=True))
    print("end", flush=True)
    caller.writer.close()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2]))
