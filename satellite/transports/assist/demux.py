"""Sorts speech by its reply: Home Assistant interleaves old and new speech, and its chunks carry no stream id.

What they do carry is a timestamp: each stream begins at 0, every chunk's is the one before plus the whole milliseconds
of that chunk, and `audio-stop` has the one that comes next. A stream is known by the timestamp that it must have next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# The owner of speech that nobody wants any more.
STALE = 0
# Another end may round the length of a chunk, where Home Assistant cuts it off.
_ROUNDING_MS = 2
# Streams that were cut by an error never end; more than this many at once were never seen.
_MAX_STREAMS = 32


@dataclass(frozen=True, slots=True)
class Stream:
    """Speech under way: to whom it belongs, and the timestamp of what comes next of it."""

    owner: int
    next_ms: int = 0


@dataclass(frozen=True, slots=True)
class Demux:
    """All streams under way, the one that was heard of last at the end."""

    streams: tuple[Stream, ...] = ()

    def opened(self, owner: int) -> Demux:
        """Note the beginning of a stream."""
        return replace(self, streams=(*self.streams, Stream(owner))[-_MAX_STREAMS:])

    def disowned(self, keep: int = STALE) -> Demux:
        """Give up all streams but those of one owner: what still comes of them is stale."""
        streams = tuple(s if s.owner == keep else replace(s, owner=STALE) for s in self.streams)
        return replace(self, streams=streams)

    def chunk(self, timestamp_ms: int | None, length_ms: int) -> tuple[Demux, int | None]:
        """Take a chunk: the state after it, and whose it is; None when it belongs to no stream that has begun."""
        found = self._find(timestamp_ms, self._wanted_first)
        if found is None:
            return self, None
        at = self.streams[found].next_ms if timestamp_ms is None else timestamp_ms
        moved = replace(self.streams[found], next_ms=at + length_ms)
        streams = (*self.streams[:found], *self.streams[found + 1 :], moved)
        return replace(self, streams=streams), moved.owner

    def stopped(self, timestamp_ms: int | None) -> tuple[Demux, int | None]:
        """Take the end of a stream: the state after it, and whose it was; None when it belongs to none."""
        found = self._find(timestamp_ms, self._wanted_first if timestamp_ms is None else self._latest_first)
        if found is None:
            return self, None
        return replace(self, streams=(*self.streams[:found], *self.streams[found + 1 :])), self.streams[found].owner

    def _wanted_first(self, number: int) -> tuple[bool, int]:
        """Give a chunk that fits several streams to the one that is wanted.

        A wrong guess puts one chunk in another's place, and the next is right again; the other way round all the rest
        would be lost.
        """
        return self.streams[number].owner == STALE, -number

    def _latest_first(self, number: int) -> int:
        """Give an end that fits several streams to the one heard of last: one that was cut off may never end."""
        return -number

    def _find(self, timestamp_ms: int | None, order: Callable[[int], Any]) -> int | None:
        """Find the stream that a timestamp belongs to."""
        numbers = range(len(self.streams))
        if timestamp_ms is None:
            return min(numbers, key=order, default=None)
        exact = [number for number in numbers if self.streams[number].next_ms == timestamp_ms]
        if exact:
            return min(exact, key=order)
        if timestamp_ms == 0:
            return None
        if len(self.streams) == 1:
            return 0
        near = [number for number in numbers if abs(self.streams[number].next_ms - timestamp_ms) <= _ROUNDING_MS]
        return min(near, key=order, default=None)
