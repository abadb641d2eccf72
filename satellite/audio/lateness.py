"""How late audio is handled: a measure of what else keeps the event loop busy."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.records.device import LatenessMeasured

if TYPE_CHECKING:
    from interject.wire.trace import Trace

# What is told of is the last minute.
WINDOW_S = 60.0
# A sound card's clock and this machine's differ by up to 100 ppm, which is 1 ms in this time; in a shorter one a loop
# that is always late would look punctual.
_BASELINE_S = 10
_PERCENTILES = (50, 90, 99, 100)


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late blocks were handled, in ms: percentiles, and the worst of them."""

    p50: float
    p90: float
    p99: float
    worst: float

    def as_json(self) -> dict[str, float]:
        """Return it as docs/protocol.md has it."""
        return {"p50": self.p50, "p90": self.p90, "p99": self.p99, "max": self.worst}


class LatenessMeter:
    """Compares when blocks are handled with when they are due: by their sample counter, beside the most punctual ones.

    To be made and used in an event loop.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        # The least delay behind the sample counter in each of the last seconds: (second, s).
        self._least: deque[tuple[int, float]] = deque(maxlen=_BASELINE_S)
        # When each block was handled, and how late (s).
        self._late: deque[tuple[float, float]] = deque()

    def handled(self, end_frame: int) -> None:
        """Take note that a block that ends at a frame of the device's sample counter is handled now."""
        now_s = _now()
        delay_s = now_s - end_frame / self._rate_hz
        second = int(now_s)
        if self._least and self._least[-1][0] == second:
            self._least[-1] = second, min(delay_s, self._least[-1][1])
        else:
            self._least.append((second, delay_s))
        self._late.append((now_s, delay_s - min(least_s for _, least_s in self._least)))
        while self._late[0][0] < now_s - WINDOW_S:
            self._late.popleft()

    def lately(self, seconds: float = WINDOW_S) -> Lateness | None:
        """Return how late blocks were in the last `seconds`, at most WINDOW_S; None if there were none."""
        since_s = _now() - seconds
        late_ms = [1000 * late_s for handled_s, late_s in self._late if handled_s >= since_s]
        if not late_ms:
            return None
        return Lateness(*(round(float(value), 2) for value in np.percentile(late_ms, _PERCENTILES)))

    async def report(self, trace: Trace) -> None:
        """Record each minute how late blocks were in it; runs until cancelled."""
        while True:
            await asyncio.sleep(WINDOW_S)
            if (lately := self.lately()) is not None:
                trace.emit(LatenessMeasured(**lately.as_json()))


def _now() -> float:
    return asyncio.get_running_loop().time()
