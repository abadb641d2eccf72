"""A program that serves at the URI in its arguments, for tests that end it from outside.

An event `work` begins work without an end, in a task, or in a thread that nothing can stop; an event `finish` ends it.
With a second argument, work gets as many seconds to end when the program is stopped.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import TYPE_CHECKING

from wyoming.event import Event
from wyoming.info import Info

from interject.wire import service
from interject.wire.process import run_to_end
from interject.wire.service import Service, serve_until_stopped

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from interject.wire.peer import Peer


class Worker:
    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._may_finish = asyncio.Event()

    async def handle(self, event: Event) -> None:
        if event.type == "finish":
            self._may_finish.set()
        else:
            self._peer.start(self._in_thread() if event.data.get("thread") else self._in_task(), "work")

    async def _in_task(self) -> None:
        await self._peer.send(Event("started"))
        await self._may_finish.wait()
        await self._peer.send(Event("done"))

    async def _in_thread(self) -> None:
        await self._peer.send(Event("started"))
        await asyncio.to_thread(threading.Event().wait)


def ready(uri: str) -> None:
    print(uri, flush=True)


def main(uri: str) -> Coroutine[None, None, None]:
    return serve_until_stopped(Service(uri, Info, Worker), ready)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        service.STOP_GRACE_S = float(sys.argv[2])
    run_to_end(main(sys.argv[1]))
