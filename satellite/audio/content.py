"""What a player keeps of a reply: its samples, and which of them left when."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples


class ReplyBuffer:
    """The samples of one reply, addressed by content frame (0 is the first); the oldest can be let go."""

    def __init__(self) -> None:
        self._chunks: deque[tuple[int, Samples]] = deque()
        self._start = 0
        self._end = 0

    @property
    def start(self) -> int:
        """The oldest content frame still kept."""
        return self._start

    @property
    def end(self) -> int:
        """One past the newest content frame."""
        return self._end

    def append(self, samples: Samples) -> None:
        """Add samples at the end; the array is kept as it is and must not change afterwards."""
        if len(samples):
            self._chunks.append((self._end, samples))
            self._end += len(samples)

    def read_into(self, out: Samples, frame: int) -> None:
        """Fill `out` with the content from `frame` on; all of it must be kept."""
        end = frame + len(out)
        for first, chunk in self._chunks:
            if first >= end:
                break
            begin, stop = max(frame, first), min(end, first + len(chunk))
            if begin < stop:
                out[begin - frame : stop - frame] = chunk[begin - first : stop - first]

    def read(self, frame: int, frames: int) -> Samples:
        """Return up to `frames` content frames from `frame` on: fewer where the content ends."""
        out = np.empty(max(0, min(frames, self._end - frame)), np.int16)
        self.read_into(out, frame)
        return out

    def forget_before(self, frame: int) -> None:
        """Let go of whole chunks that end at or before `frame`."""
        while self._chunks and self._chunks[0][0] + len(self._chunks[0][1]) <= frame:
            first, chunk = self._chunks.popleft()
            self._start = first + len(chunk)


@dataclass(frozen=True, slots=True)
class _Segment:
    """From `device_frame` on the loudspeaker is given content from `content_frame` on, or stays there."""

    device_frame: int
    content_frame: int
    step: int


class Timeline:
    """Which content frame belongs to which device frame, through gaps, pauses and rewinds.

    It remembers `keep_frames` device frames, and at most MAX_SEGMENTS changes between playing and standing.
    """

    # More changes than a device whose every 10 ms block has a gap makes in the longest output latency (2 s).
    MAX_SEGMENTS = 512

    def __init__(self, device_frame: int, keep_frames: int) -> None:
        self._keep_frames = keep_frames
        self._segments = deque([_Segment(device_frame, 0, 0)])
        self._furthest_forgotten = 0

    def playing(self, device_frame: int, content_frame: int) -> None:
        """Note that content runs on from `content_frame`, beginning with `device_frame`."""
        self._note(_Segment(device_frame, content_frame, 1))

    def standing(self, device_frame: int, content_frame: int) -> None:
        """Note that from `device_frame` on nothing plays and the content stays at `content_frame`."""
        self._note(_Segment(device_frame, content_frame, 0))

    def position(self, device_frame: int) -> int:
        """Return how many content frames had gone out before `device_frame`; the oldest known one if long ago."""
        found = self._segments[0]
        for segment in self._segments:
            if segment.device_frame > device_frame:
                break
            found = segment
        return self._reached(found, device_frame)

    def furthest(self, device_frame: int) -> int:
        """Return the highest position up to `device_frame`: a rewind does not lower it."""
        furthest = self._furthest_forgotten
        segments = list(self._segments)
        for segment, following in zip(segments, [*segments[1:], None], strict=True):
            if segment.device_frame > device_frame:
                break
            until = device_frame if following is None else min(device_frame, following.device_frame)
            furthest = max(furthest, self._reached(segment, until))
        return furthest

    def _note(self, segment: _Segment) -> None:
        last = self._segments[-1]
        if last.step == segment.step and self._reached(last, segment.device_frame) == segment.content_frame:
            return
        self._segments.append(segment)
        oldest = segment.device_frame - self._keep_frames
        while len(self._segments) > self.MAX_SEGMENTS or (
            len(self._segments) > 1 and self._segments[1].device_frame <= oldest
        ):
            gone = self._segments.popleft()
            reached = self._reached(gone, self._segments[0].device_frame)
            self._furthest_forgotten = max(self._furthest_forgotten, reached)

    @staticmethod
    def _reached(segment: _Segment, device_frame: int) -> int:
        return segment.content_frame + segment.step * max(0, device_frame - segment.device_frame)
