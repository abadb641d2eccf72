"""A connection that tells a server that hangs from one that works: it asks for a sign of life while it waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wyoming.asr import Transcript
from wyoming.audio import AudioStop
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeStop

from wire.errors import PeerSilentError

if TYPE_CHECKING:
    from wyoming.event import Event

    from wire.client import Connection

# A language model thinks for seconds, a recogniser decodes for one; who says nothing for this long is asked.
_QUIET_S = 2.0
# The event loop of a server that works answers within milliseconds, on a Pi under load within tenths of a second.
_PONG_S = 2.0
# Soon enough to find out about a server that is never quiet for long.
_FIRST_PING_S = 0.25
# With one of these a request is complete.
_COMPLETES = (Transcript, AudioStop, Synthesize, SynthesizeStop)


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
        # When the request was complete.
        self._complete_at: float | None = None
        self._tried = False
        # When the ping was sent that is not answered yet.
        self._pinged_at: float | None = None

    async def send(self, event: Event) -> None:
        """Send one event; raises PeerGoneError."""
        await self._connection.send(event)
        if any(kind.is_type(event.type) for kind in _COMPLETES):
            self._complete_at = _now()

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
                pinged_at, self._pinged_at = self._pinged_at, None
                if not Pong.is_type(event.type):
                    return event
                self._habits.answers_while_working |= (
                    pinged_at is not None and self._complete_at is not None and pinged_at >= self._complete_at
                )
                since = _now()
                receiving = asyncio.ensure_future(self._connection.receive())
        finally:
            receiving.cancel()
            await asyncio.wait({receiving})

    def _due_at(self, since: float) -> float | None:
        """Return when something is to be done about the silence since then; None: not yet known, or nothing is."""
        if self._habits.answers_while_working:
            return since + _QUIET_S if self._pinged_at is None else self._pinged_at + _PONG_S
        if self._tried or self._complete_at is None:
            return None
        return max(since, self._complete_at) + _FIRST_PING_S

    def _patience_s(self, since: float) -> float | None:
        due_at = self._due_at(since)
        if due_at is not None:
            return max(0.0, due_at - _now())
        # The request may be complete by then.
        return None if self._tried else _FIRST_PING_S

    async def _ask_if_due(self, since: float) -> None:
        due_at = self._due_at(since)
        if due_at is None or _now() < due_at:
            return
        if self._pinged_at is not None:
            raise PeerSilentError(self.uri, "sign of life", _QUIET_S + _PONG_S)
        # One that is not known to answer is asked once: it has other things to do.
        self._tried = True
        self._pinged_at = _now()
        await self._connection.send(Ping().event())


def _now() -> float:
    return asyncio.get_running_loop().time()
