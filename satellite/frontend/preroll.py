"""The last seconds of what was heard, so that the word that started everything is not lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples

# The longest that speech can have gone on before anyone asks for it, with a reserve.
DEFAULT_SECONDS = 3.0


class PreRoll:
    """A ring of int16 samples that are known by their absolute index: 0 is the first that was ever appended."""

    def __init__(self, rate_hz: int, seconds: float = DEFAULT_SECONDS) -> None:
        self._ring = np.zeros(round(rate_hz * seconds), np.int16)
        self._end = 0

    @property
    def start(self) -> int:
        """The index of the oldest sample kept."""
        return max(0, self._end - len(self._ring))

    @property
    def end(self) -> int:
        """One past the index of the newest sample."""
        return self._end

    def append(self, samples: Samples) -> None:
        """Add samples; the oldest make room for them."""
        self._end += len(samples)
        newest = samples[-len(self._ring) :]
        at = (self._end - len(newest)) % len(self._ring)
        until_wrap = min(len(newest), len(self._ring) - at)
        self._ring[at : at + until_wrap] = newest[:until_wrap]
        if until_wrap < len(newest):
            self._ring[: len(newest) - until_wrap] = newest[until_wrap:]

    def since(self, index: int) -> Samples:
        """Return a copy of the samples from `index` on, or from the oldest kept; none if `index` is yet to come."""
        first = max(index, self.start)
        count = max(0, self._end - first)
        at = first % len(self._ring)
        until_wrap = min(count, len(self._ring) - at)
        return np.concatenate([self._ring[at : at + until_wrap], self._ring[: count - until_wrap]])
