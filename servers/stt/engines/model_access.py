"""Access to the one Whisper model: finals first, then those ahead of the end, then partial results.

Finals wait, in the order in which they came. The others never wait: where the model is taken they are tried again with
the next audio, when it is known whether there still is a reason.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from interject.servers.stt.engines.fifo_lock import FifoLock

if TYPE_CHECKING:
    from collections.abc import Iterator

# Partial results take this share of the time, all rooms together: the first one is often not sure yet, and whoever has
# been interrupted waits for the next.
PARTIAL_SHARE = 0.85
# Satellites send every 20 to 100 ms: who was refused and still wants it has tried again by then.
_TRIES_AGAIN_S = 0.15


class ModelAccess:
    """Shared by the utterances of one model; called from their threads."""

    def __init__(self) -> None:
        self._lock = FifoLock()
        self._guard = threading.Lock()
        self._open = 0
        self._ahead_refused_s = float("-inf")

    def open(self) -> None:
        """Count one more utterance."""
        with self._guard:
            self._open += 1

    def close(self) -> None:
        """Count one less."""
        with self._guard:
            self._open -= 1

    @contextlib.contextmanager
    def final(self) -> Iterator[None]:
        """Wait for a turn, and hold it."""
        with self._lock:
            yield

    @contextlib.contextmanager
    def ahead(self) -> Iterator[bool]:
        """Hold a turn, to decode what may well be all that is said, if there is one."""
        with self._lock.if_free() as mine:
            self._ahead_refused_s = float("-inf") if mine else time.monotonic()
            yield mine

    @contextlib.contextmanager
    def partial(self) -> Iterator[bool]:
        """Hold a turn, to decode what will be decoded again, if there is one and nobody needs it more."""
        if time.monotonic() - self._ahead_refused_s < _TRIES_AGAIN_S:
            yield False
            return
        with self._lock.if_free() as mine:
            yield mine

    def partial_again_s(self, began_s: float, ended_s: float) -> float:
        """Return when an utterance may have its next partial result, by how long its last one took."""
        return began_s + (ended_s - began_s) * max(1, self._open) / PARTIAL_SHARE
