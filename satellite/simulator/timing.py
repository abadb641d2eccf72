"""When the loudspeaker is audible and when the next clip starts: decisions of the simulated room, without its I/O.

All positions are frames of the room's sample clock, all intervals half-open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.simulator.script import AfterClip, AfterLoudspeaker, AtTime, Start

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples

# Below this peak a loudspeaker is silent to an ear: the level at which 16-bit dither and fade tails live.
AUDIBLE_DBFS = -60.0
AUDIBLE_PEAK = round(32768 * 10 ** (AUDIBLE_DBFS / 20))
# Silence inside speech (stops, breaths, short pauses between phrases) is shorter than this.
HYSTERESIS_S = 0.3
# Where a clip's speech begins: the first sample this far below its peak. Recordings begin with room noise.
ONSET_DB = -40.0


@dataclass(frozen=True, slots=True)
class Audibility:
    """What has been heard of the loudspeaker.

    began: first audible frame of the stretch that goes on now; None while silent.
    ended: the frame after the last audible one.
    counted: audible frames of the finished stretches since the previous clip ended.
    counts_from: where the previous clip ended.
    """

    began: int | None = None
    ended: int = 0
    counted: int = 0
    counts_from: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """The loudspeaker became audible at `started`, or had become silent at `stopped`."""

    started: int | None = None
    stopped: int | None = None


def listen(
    before: Audibility, loudspeaker: Samples, frame: int, hysteresis: int
) -> tuple[Audibility, tuple[Heard, ...]]:
    """Take one block of what left the loudspeaker, which begins at `frame`."""
    state, heard = before, []
    end = frame + len(loudspeaker)
    audible = np.flatnonzero((loudspeaker >= AUDIBLE_PEAK) | (loudspeaker <= -AUDIBLE_PEAK))
    first = frame + int(audible[0]) if audible.size else end
    if state.began is not None and first - state.ended >= hysteresis:
        heard.append(Heard(stopped=state.ended))
        state = replace(state, began=None, counted=_audible_frames(state))
    if audible.size:
        if state.began is None:
            heard.append(Heard(started=first))
            state = replace(state, began=first)
        state = replace(state, ended=frame + int(audible[-1]) + 1)
    return state, tuple(heard)


def count_from(state: Audibility, clip_end: int) -> Audibility:
    """Begin to count anew: a clip has ended."""
    return replace(state, counted=0, counts_from=clip_end)


def start_frame(start: Start, state: Audibility, previous_end: int, block: range, rate_hz: int) -> int | None:
    """Give the frame inside `block` at which the next clip starts, None when it is not yet due.

    `state` has already heard this block. A clip that was due earlier starts at once.
    """
    match start:
        case AtTime(seconds):
            due = round(seconds * rate_hz)
        case AfterClip(seconds):
            due = previous_end + round(seconds * rate_hz)
        case AfterLoudspeaker(seconds):
            wanted = max(1, round(seconds * rate_hz))
            if state.began is None or _audible_frames(state) < wanted:
                return None
            due = max(state.began, state.counts_from) + wanted - state.counted
    due = max(due, block.start, previous_end)
    return due if due in block else None


def onset_of(clip: Samples) -> int:
    """Give the first frame of the clip that is within 40 dB of its peak; 0 for silence."""
    magnitude = np.abs(clip.astype(np.int32))
    peak = int(magnitude.max(initial=0))
    return int(np.argmax(magnitude >= peak * 10 ** (ONSET_DB / 20))) if peak else 0


def _audible_frames(state: Audibility) -> int:
    if state.began is None:
        return state.counted
    return state.counted + max(0, state.ended - max(state.began, state.counts_from))
