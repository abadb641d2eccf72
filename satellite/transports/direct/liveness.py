"""A connection that tells a server that hangs from one that works: it asks for a sign of life while it waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wyoming.asr import Transcript
from wyoming.audio import AudioStop
from wyoming.handle import Handled, NotHandled
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeStop

from interject.wire.errors import PeerSilentError

if TYPE_CHECKING:
    from wyoming.event import Event

    from interject.wire.client import Connection

# A language model thinks for seconds, a recogniser decodes for one; who says nothing for this long is asked.
_QUIET_S = 2.0
# The event loop of a server that works answers within milliseconds, on a Pi under load within tenths of a second.
_PONG_S = 2.0
# With one of these a request is complete.
_COMPLETES = (Transcript, AudioStop, Synthesize, SynthesizeStop)
# With one of these a server may be done: what it answers afterwards does not tell whether it would have before.
_DONE = (Transcript, Handled, NotHandled, AudioStop)


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
