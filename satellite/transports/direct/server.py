"""One server as a pipeline sees it: where it is, what it can do, whether it is well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wyoming.asr import Transcript
from wyoming.audio import AudioStop
from wyoming.handle import Handled, NotHandled
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeStop

from interject.wire.errors import PeerGoneError, PeerSilentError, PeerUnreachableError, WireError
from interject.wire.uri import parse_uri

if TYPE_CHECKING:
    from wyoming.event import Event

    from interject.wire.client import Connection, Connector


# A language model thinks for seconds, a recogniser decodes for one; who says nothing for this long is asked.
_QUIET_S = 2.0
# The event loop of a server that works answers within milliseconds, on a Pi under load within tenths of a second.
_PONG_S = 2.0
# With one of these a request is complete.
_COMPLETES = (Transcript, AudioStop, Synthesize, SynthesizeStop)
# With one of these a server may be done: what it answers afterwards does not tell whether it would have before.
_DONE = (Transcript, Handled, NotHandled, AudioStop)


_LOGGER = logging.getLogger(__name__)

# Finds a server's URI; raises WireError when there is none.
Locate = Callable[[], Awaitable[str]]

# A server that is being restarted listens again within this; a user waits that long without wondering.
_CONNECT_RETRIES_S = (0.1, 0.3)
_DESCRIBE_TIMEOUT_S = 1.0
# After a failure the server is asked whether it is back: its user stands in the room and waits for that.
_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 1.0


@dataclass(slots=True)
class Habits:
    """What is known of a server: whether it answers a ping while it works on a request.

    One that takes events one after the other, as the handlers of the wyoming package do, answers only when it is done.
    """

    answers_while_working: bool = False


class LivelyConnection:
    """Another connection, whose `receive` raises PeerSilentError when the server hangs; a Connection itself.

    It can tell only of a server that has answered a ping while it worked: the silence of any other means nothing.
    """

    def __init__(self, connection: Connection, habits: Habits) -> None:
        self.uri = connection.uri
        self._connection = connection
        self._habits = habits
        self._tried = False
        # The server was pinged while it worked, and has not said that it is done.
        self._pinged_at_work = False
        # When the ping was sent that is not answered yet.
        self._pinged_at: float | None = None

    async def send(self, event: Event) -> None:
        """Send one event; raises PeerGoneError."""
        await self._connection.send(event)
        if self._tried or self._habits.answers_while_working:
            return
        if any(kind.is_type(event.type) for kind in _COMPLETES):
            # At once, as many a server is done within milliseconds; and once, as this one may have other things to do.
            self._tried = self._pinged_at_work = True
            await self._connection.send(Ping().event())

    async def close(self) -> None:
        """Close; what the connection asked for is cancelled at the service."""
        await self._connection.close()

    async def receive(self) -> Event:
        """Wait for the next event that is no pong; raises as the other connection does, and PeerSilentError."""
        receiving = asyncio.ensure_future(self._connection.receive())
        since = _now()
        try:
            while True:
                await asyncio.wait({receiving}, timeout=self._patience_s(since))
                if not receiving.done():
                    await self._ask_if_due(since)
                    continue
                event = receiving.result()
                # Any news is a sign of life as good as a pong.
                self._pinged_at = None
                if not Pong.is_type(event.type):
                    self._pinged_at_work &= not any(kind.is_type(event.type) for kind in _DONE)
                    return event
                self._habits.answers_while_working |= self._pinged_at_work
                since = _now()
                receiving = asyncio.ensure_future(self._connection.receive())
        finally:
            receiving.cancel()
            await asyncio.wait({receiving})

    def _due_at(self, since: float) -> float | None:
        """Return when something is to be done about the silence since then; None: the silence means nothing."""
        if not self._habits.answers_while_working:
            return None
        return since + _QUIET_S if self._pinged_at is None else self._pinged_at + _PONG_S

    def _patience_s(self, since: float) -> float | None:
        due_at = self._due_at(since)
        return None if due_at is None else max(0.0, due_at - _now())

    async def _ask_if_due(self, since: float) -> None:
        due_at = self._due_at(since)
        if due_at is None or _now() < due_at:
            return
        if self._pinged_at is not None:
            raise PeerSilentError(self.uri, "sign of life", _QUIET_S + _PONG_S)
        self._pinged_at = _now()
        await self._connection.send(Ping().event())


def _now() -> float:
    return asyncio.get_running_loop().time()


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
