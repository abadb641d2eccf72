"""The other end of one connection to a service: what it is sent, and the work that is done for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from wyoming.error import Error

from interject.wire.errors import RequestError
from interject.wire.framing import encoded, write_frame
from interject.wire.logs import one_line

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from wyoming.event import Event

_LOGGER = logging.getLogger(__name__)


class Peer:
    """The other end of one connection."""

    def __init__(self, name: str, writer: asyncio.StreamWriter, address: str | None = None) -> None:
        """`address` is None for a peer on this machine that came through a Unix socket."""
        self.name = name
        self.address = address
        self._writer = writer
        self._is_ended = False
        self._work: set[asyncio.Task[None]] = set()

    def __str__(self) -> str:
        return self.name

    @property
    def busy(self) -> bool:
        """Whether work that was started for this peer is still under way."""
        return bool(self._work)

    async def send(self, event: Event) -> None:
        """Send an event; raises ConnectionError when the peer is gone, or was told that nothing more comes."""
        await self.send_frame(encoded(event))

    async def send_frame(self, frame: bytes) -> None:
        """Send an event that is encoded already; raises as `send` does."""
        if self._is_ended or self._writer.is_closing():
            raise ConnectionResetError(f"{self.name} is gone")
        try:
            await write_frame(frame, self._writer)
        except OSError as error:
            # Not each is a ConnectionError: the network can be unreachable, or the system's timeout run out.
            raise ConnectionResetError(f"{self.name} is gone: {error}") from None

    def start(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        """Run work that belongs to this connection and is cancelled when it closes.

        A RequestError raised by it is sent to the peer; the peer going away ends it quietly; any other error is
        logged and sent as `internal-error`.
        """
        task = asyncio.create_task(self._guard(work), name=f"{name} for {self.name}")
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        # Work that was cancelled before its first step would be reported as forgotten.
        task.add_done_callback(lambda _: work.close())
        return task

    async def cancel(self) -> None:
        """Cancel all work under way and wait until it has ended."""
        current = asyncio.current_task()
        tasks = [task for task in self._work if task is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until all work under way has ended by itself."""
        await asyncio.gather(*self._work, return_exceptions=True)

    def end(self) -> None:
        """Tell the peer that nothing more will be sent."""
        self._is_ended = True
        self._writer.write_eof()

    async def complain(self, code: str, text: str) -> None:
        """Send an `error` event if the peer still reads."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self.send(Error(text=one_line(text), code=code).event())

    async def _guard(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except RequestError as error:
            _LOGGER.warning("%s: %s", self, error)
            await self.complain(error.code, str(error))
        except ConnectionError as error:
            _LOGGER.debug("%s went away: %s", self, error)
        except Exception:
            _LOGGER.exception("%s: a request failed", self)
            await self.complain("internal-error", "the request failed; the service's log says why")
