"""One server as a pipeline sees it: where it is, what it can do, whether it is well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from wyoming.info import Describe, Info

from interject.satellite.transports.direct.liveness import Habits, LivelyConnection
from interject.wire.errors import PeerGoneError, PeerSilentError, PeerUnreachableError, WireError
from interject.wire.uri import parse_uri

if TYPE_CHECKING:
    from interject.wire.client import Connection, Connector

_LOGGER = logging.getLogger(__name__)

# Finds a server's URI; raises WireError when there is none.
Locate = Callable[[], Awaitable[str]]

# A server that is being restarted listens again within this; a user waits that long without wondering.
_CONNECT_RETRIES_S = (0.1, 0.3)
_DESCRIBE_TIMEOUT_S = 1.0
# After a failure the server is asked whether it is back: its user stands in the room and waits for that.
_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 1.0


class Server:
    """Connects to one server, logs once when it fails and once when it is back."""

    def __init__(self, kind: str, locate: Locate, connect: Connector) -> None:
        self.kind = kind
        self._locate = locate
        self._connect = connect
        self._uri: str | None = None
        self._info: Info | None = None
        # Why it does not work, from the first failure until it answers again.
        self.error: WireError | None = None
        self._habits = Habits()
        self._failed = asyncio.Event()
        self._lapsed = False

    @property
    def uri(self) -> str | None:
        """Where it was reached last."""
        return self._uri

    async def connect(self) -> Connection:
        """Connect, trying again for a moment; raises WireError."""
        for pause_s in _CONNECT_RETRIES_S:
            try:
                return await self._connect_once()
            except PeerUnreachableError as error:
                _LOGGER.debug("%s; trying again in %g s", error, pause_s)
                await asyncio.sleep(pause_s)
        return await self._connect_once()

    async def _connect_once(self) -> Connection:
        # Finding a server takes seconds, so where it was found holds until it is not there any more.
        uri, self._uri = self._uri or await self._locate(), None
        connection = await self._connect(uri)
        self._uri = uri
        return LivelyConnection(connection, self._habits)

    async def info(self) -> Info:
        """Return what the server says of itself; asked once, and again after it failed. Raises WireError."""
        if self._info is None:
            self._info = await _info_over(await self.connect())
        return self._info

    def note_failure(self, error: WireError) -> None:
        """Log the first failure of a row; the rest only in detail."""
        self._info = None
        self.error = error
        if self._failed.is_set():
            _LOGGER.debug("%s server: %s", self.kind, error)
            return
        _LOGGER.error("%s server: %s", self.kind, error)
        self._failed.set()

    def note_lapse(self, what: str) -> None:
        """Log what it does wrong without failing: the first time as a warning, then only in detail."""
        level = logging.DEBUG if self._lapsed else logging.WARNING
        self._lapsed = True
        _LOGGER.log(level, "%s server: %s", self.kind, what)

    async def watch(self) -> None:
        """Tell at once if the server is not there, and after a failure when it is well again; runs until cancelled."""
        try:
            await self.info()
        except WireError as error:
            self.note_failure(error)
        while True:
            await self._failed.wait()
            pause_s = _FIRST_RETRY_S
            while not await self._is_well():
                await asyncio.sleep(pause_s)
                pause_s = _LAST_RETRY_S
            self._failed.clear()
            self.error = None
            _LOGGER.warning("%s server: it answers again", self.kind)

    async def _is_well(self) -> bool:
        try:
            self._info = await _info_over(await self._connect_once())
        except WireError as error:
            _LOGGER.debug("%s server: %s", self.kind, error)
            return False
        return True


async def _info_over(connection: Connection) -> Info:
    try:
        return await ask_info(connection)
    finally:
        await connection.close()


async def ask_info(connection: Connection) -> Info:
    """Ask a server what it can do; raises PeerError, PeerGoneError, PeerSilentError."""
    await connection.send(Describe().event())
    try:
        async with asyncio.timeout(_DESCRIBE_TIMEOUT_S):
            while True:
                event = await connection.receive()
                if Info.is_type(event.type):
                    return Info.from_event(event)
    except TimeoutError:
        raise PeerSilentError(connection.uri, "answer to describe", _DESCRIBE_TIMEOUT_S) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PeerGoneError(connection.uri, f"its answer to describe is garbage: {error!r}") from None


def fixed(uri: str) -> Locate:
    """Make a Locate for a URI that is known; raises BadUriError."""
    parse_uri(uri)

    async def locate() -> str:
        return uri

    return locate
