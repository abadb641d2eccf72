"""What the model remembers of a reply that was cut is put right, at once or as soon as the bridge is back."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from interject.satellite.transports.direct.reply import tell_bridge
from interject.wire.errors import PeerError, RequestError, WireError

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.satellite.transports.direct.server import Server
    from interject.wire.events import Interrupt

_LOGGER = logging.getLogger(__name__)

# The next question waits this long for the history to be put right; a bridge that is well needs milliseconds.
CORRECTION_TIMEOUT_S = 1.0
# More interruptions than a bridge misses while it is away: without it there are no replies to interrupt.
_UNTOLD_KEPT = 8


class Corrections:
    """Tells the bridge of interruptions, and keeps those that it could not be told of."""

    def __init__(self, llm: Server, corrected: Callable[[int, str], None]) -> None:
        """`corrected` takes the epoch and what the history now says of its reply."""
        self._llm = llm
        self._corrected = corrected
        # Oldest first: the bridge must know them before the next question.
        self._untold: deque[Interrupt] = deque(maxlen=_UNTOLD_KEPT)

    async def tell(self, interrupt: Interrupt) -> None:
        """Tell the bridge now, or later."""
        if not await self._tell(interrupt):
            self._untold.append(interrupt)

    async def tell_what_is_untold(self) -> None:
        """Tell the bridge what it missed, as far as it is back."""
        while self._untold:
            interrupt = self._untold.popleft()
            if not await self._tell(interrupt):
                self._untold.appendleft(interrupt)
                return

    async def _tell(self, interrupt: Interrupt) -> bool:
        """Tell the bridge of an interruption; return False if it is away, and may take it when it is back."""
        try:
            async with asyncio.timeout(CORRECTION_TIMEOUT_S):
                answer = await tell_bridge(self._llm, interrupt)
        except TimeoutError:
            _LOGGER.warning("%s server: it did not confirm an interruption", self._llm.kind)
        except WireError as error:
            self._llm.note_failure(error)
            return isinstance(error, PeerError | RequestError)
        else:
            self._corrected(answer.epoch, answer.content)
        return True
