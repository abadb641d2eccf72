"""A program that serves at the URI in its arguments, for tests that end it from outside.

It works for as many seconds as an event `work` says, in a task, or in a thread that nothing can stop.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

from wyoming.event import Event
from wyoming.info import Info

from wire.process import run_to_end
from wire.service import Peer, Service, serve_until_stopped

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Worker:
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def handle(self, event: Event) -> None:
        seconds = float(event.data["seconds"])
        work = self._in_thread(seconds) if event.data.get("thread") else self._in_task(seconds)
        self._peer.start(work, "work")

    async def _in_task(self, seconds: float) -> None:
        await self._peer.send(Event("started"))
        await asyncio.sleep(seconds)
        await self._peer.send(Event("done"))

    async def _in_thread(self, seconds: float) -> None:
        await self._peer.send(Event("started"))
        await asyncio.to_thread(time.sleep, seconds)


def ready(uri: str) -> None:
    print(uri, flush=True)


def main(uri: str) -> Coroutine[None, None, None]:
    return serve_until_stopped(Service(uri, Info, Worker), ready)


if __name__ == "__main__":
    run_to_end(main(sys.argv[1]))
