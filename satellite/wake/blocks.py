"""Samples in pieces of any length, cut into blocks of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.satellite.audio.base import Samples


class Blocks:
    """Cuts a stream into blocks; what lies before a gap in the indices and fills no block is dropped."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rest: Samples = np.zeros(0, np.int16)
        self._end = 0

    def cut(self, samples: Samples, end_index: int) -> Iterator[tuple[Samples, int]]:
        """Add samples; yield each full block with one past the index of its last sample."""
        follows = end_index - len(samples) == self._end
        self._end = end_index
        whole = np.concatenate([self._rest, samples]) if follows else samples
        full = len(whole) - len(whole) % self._size
        self._rest = whole[full:].copy()
        first_end = end_index - len(whole) + self._size
        for at in range(0, full, self._size):
            yield whole[at : at + self._size], first_end + at
