"""The simulated user: says the clips of a script at their times and reports what happens in the room."""

from __future__ import annotations

import wave
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.base import RoomScriptError
from interject.satellite.audio.pcm import INT16_FULL_SCALE, Mono, gain_of
from interject.satellite.audio.wav import read_wav
from interject.satellite.simulator.records import LoudspeakerStarts, LoudspeakerStops, UserSpeaks, UserStops
from interject.satellite.simulator.script import AfterClip, AfterLoudspeaker, AtTime, Start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.satellite.audio.base import Samples
    from interject.satellite.simulator.script import RoomScript
    from interject.wire.trace import Trace


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


@dataclass(frozen=True, slots=True)
class LoadedClip:
    """A clip ready to be said: full scale ±1 at the room's rate; `onset` is where its speech begins, in frames."""

    name: str
    start: Start
    samples: Mono
    onset: int


def load_clips(script: RoomScript, rate_hz: int) -> tuple[LoadedClip, ...]:
    """Read every clip of the script (blocking); RoomScriptError names the one that cannot be read."""
    loaded = []
    for clip in script.clips:
        try:
            samples = read_wav(clip.path, rate_hz)
        except OSError as error:
            raise RoomScriptError(clip.path, f"cannot be read: {error.strerror}") from error
        except (wave.Error, EOFError) as error:
            raise RoomScriptError(clip.path, f"is no PCM WAV file: {str(error) or 'it ends too early'}") from error
        if not len(samples):
            raise RoomScriptError(clip.path, "has no audio in it")
        scaled = samples.astype(np.float32) * np.float32(gain_of(clip.gain_db) / INT16_FULL_SCALE)
        loaded.append(LoadedClip(clip.path.name, clip.start, scaled, onset_of(samples)))
    return tuple(loaded)


class RoomUser:
    """Turns what left the loudspeaker, block by block, into what the user says meanwhile."""

    def __init__(self, clips: Sequence[LoadedClip], rate_hz: int, trace: Trace) -> None:
        self._waiting = deque(clips)
        self._rate_hz = rate_hz
        self._trace = trace
        self._hysteresis = round(HYSTERESIS_S * rate_hz)
        self._heard = Audibility()
        self._speaking: LoadedClip | None = None
        self._began = 0
        self._previous_end = 0

    def says(self, loudspeaker: Samples, frame: int) -> Mono:
        """Give the user's voice during the block that begins at `frame`."""
        self._listen(loudspeaker, frame)
        voice = np.zeros(len(loudspeaker), np.float32)
        block = range(frame, frame + len(loudspeaker))
        while clip := self._speaking or self._begin(block):
            first = max(self._began, block.start)
            said = clip.samples[first - self._began : block.stop - self._began]
            voice[first - frame : first - frame + len(said)] += said
            if self._began + len(clip.samples) > block.stop:
                break
            self._end(clip)
        return voice

    def _begin(self, block: range) -> LoadedClip | None:
        if not self._waiting:
            return None
        start = start_frame(self._waiting[0].start, self._heard, self._previous_end, block, self._rate_hz)
        if start is None:
            return None
        self._speaking, self._began = self._waiting.popleft(), start
        onset_t = self._seconds(start + self._speaking.onset)
        self._trace.emit(UserSpeaks(clip=self._speaking.name, onset_t=onset_t), self._seconds(start))
        return self._speaking

    def _end(self, clip: LoadedClip) -> None:
        self._speaking = None
        self._previous_end = self._began + len(clip.samples)
        self._heard = count_from(self._heard, self._previous_end)
        self._trace.emit(UserStops(clip=clip.name), self._seconds(self._previous_end))

    def _listen(self, loudspeaker: Samples, frame: int) -> None:
        self._heard, changes = listen(self._heard, loudspeaker, frame, self._hysteresis)
        for change in changes:
            if change.started is not None:
                self._trace.emit(LoudspeakerStarts(), self._seconds(change.started))
            if change.stopped is not None:
                self._trace.emit(LoudspeakerStops(), self._seconds(change.stopped))

    def _seconds(self, frame: int) -> float:
        return round(frame / self._rate_hz, 6)
