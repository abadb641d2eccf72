"""The player: a reply on its way to the loudspeaker that can duck, pause, resume and vanish within a block."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.content import ReplyBuffer, Timeline
from interject.satellite.audio.gain import Ramp, apply_gain, fade_out

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples

# What is flushed while it sounds is never heard again: half as long as a pause, and still no click.
FLUSH_FADE_MS = 10
# How much of what has played is kept for a rewind: a sentence that is said again takes 20 s at most (3 MB at 48 kHz).
KEEP_BEHIND_MS = 30_000
# Longer than any output latency, Bluetooth loudspeakers included.
LONGEST_LATENCY_MS = 2000
# A volume that changes has to be felt at once and must not click.
VOLUME_MS = 30
# A cue is a short sound: whoever queues more than this has lost count.
CUE_LIMIT_MS = 5000


class PlayerPhase(Enum):
    """Where a reply stands."""

    IDLE = "idle"
    """No reply."""
    WAITING = "waiting"
    """Begun; nothing of it has left the loudspeaker."""
    PLAYING = "playing"
    """Something of it has left the loudspeaker; gaps in the supply included."""
    PAUSED = "paused"
    """Held, from the moment of `pause()` on, whether or not something had played."""
    FINISHED = "finished"
    """Ended, and its last sample has left the loudspeaker."""


@dataclass(frozen=True, slots=True)
class PlayerSettings:
    """How playback makes room and stops."""

    # -12 dB: speech that stays intelligible while it plainly makes room.
    duck_db: float = -12.0
    # Ducking has to be felt at once and must not click.
    duck_ms: float = 20.0
    # Coming back is slower: a false alarm should pass unnoticed.
    unduck_ms: float = 150.0
    # The shortest fade in which speech stops without a click.
    pause_fade_ms: float = 20.0
    resume_fade_ms: float = 20.0


@dataclass(frozen=True, slots=True)
class PlayerStatus:
    """A player at one moment; all frames are content frames of the reply `epoch`, at the device's rate.

    `furthest_frames` is the highest that the position has been (a rewind does not lower it: take it for what the user
    has heard), `buffered_frames` wait to be handed to the device, `rendered_frames` is the next to be handed over,
    `underruns` counts the gaps inside this reply.
    """

    epoch: int | None
    phase: PlayerPhase
    buffered_frames: int
    underruns: int
    rendered_frames: int
    furthest_frames: int


@dataclass(slots=True)
class _Reply:
    """The reply that is open: `read_frame` is the next content frame to be handed over, the pause point when held."""

    epoch: int
    timeline: Timeline
    buffer: ReplyBuffer = field(default_factory=ReplyBuffer)
    read_frame: int = 0
    sounds_until: int | None = None
    held: bool = False
    ended: bool = False
    in_gap: bool = False
    underruns: int = 0

    def phase(self, at_frame: int, furthest: int) -> PlayerPhase:
        """Return where it stands for someone who hears device frame `at_frame`, and got to content frame `furthest`."""
        if self.held:
            return PlayerPhase.PAUSED
        all_handed_over = self.ended and self.read_frame == self.buffer.end
        if all_handed_over and (self.sounds_until is None or self.sounds_until <= at_frame):
            return PlayerPhase.FINISHED
        return PlayerPhase.PLAYING if furthest else PlayerPhase.WAITING


class Player:
    """Play one reply at a time, and short cues beside it.

    The audio thread calls `render`; everything else may be called from any other thread. Times of effect: whatever
    is called between two `render` calls is in effect from the first sample of the next one.
    """

    def __init__(
        self, rate_hz: int, settings: PlayerSettings | None = None, keep_behind_ms: float = KEEP_BEHIND_MS
    ) -> None:
        self._rate_hz = rate_hz
        self._settings = settings or PlayerSettings()
        self._keep_behind_ms = keep_behind_ms
        self._lock = threading.Lock()
        self._device_frames = 0
        self._duck = Ramp(1.0)
        self._fade = Ramp(1.0)
        self._volume = Ramp(1.0)
        self._tail = _silence()
        self._cue = _silence()
        self._reply: _Reply | None = None

    @property
    def rate_hz(self) -> int:
        """The device's rate, at which everything is fed and rendered."""
        return self._rate_hz

    @property
    def device_frames(self) -> int:
        """How many frames were rendered since the player was made: the clock of the loudspeaker."""
        with self._lock:
            return self._device_frames

    @property
    def cue_frames(self) -> int:
        """How many frames of cues have still to be rendered."""
        with self._lock:
            return len(self._cue)

    def set_volume(self, gain: float) -> None:
        """Go to a gain (0 to 1) of everything that is played, cues too, over 30 ms; it stays over replies."""
        with self._lock:
            self._volume.to(gain, self._frames(VOLUME_MS))

    def begin(self, epoch: int) -> None:
        """Start the reply `epoch` at position 0, not held and not ducked; an earlier one fades out and is gone."""
        with self._lock:
            self._drop_reply()
            self._reply = _Reply(epoch, Timeline(self._device_frames, self._frames(LONGEST_LATENCY_MS)))

    def feed(self, epoch: int, samples: Samples) -> bool:
        """Append int16 mono samples at the device's rate; False, and dropped, unless `epoch` is open for more."""
        kept = np.array(samples, dtype=np.int16)
        with self._lock:
            reply = self._reply
            if reply is None or reply.epoch != epoch or reply.ended:
                return False
            reply.buffer.append(kept)
            return True

    def end(self, epoch: int) -> bool:
        """Say that no more audio will come; False unless `epoch` is the current reply."""
        with self._lock:
            reply = self._reply
            if reply is None or reply.epoch != epoch:
                return False
            if reply.in_gap:
                # The supply ran dry because this was the end: no gap inside the reply after all.
                reply.in_gap = False
                reply.underruns -= 1
            reply.ended = True
            return True

    def flush(self, epoch: int) -> bool:
        """Stop the reply `epoch` now, with a fade of 10 ms if it sounds, and drop it; False if it is not current."""
        with self._lock:
            if self._reply is None or self._reply.epoch != epoch:
                return False
            self._drop_reply()
            return True

    def duck(self) -> None:
        """Go down by 12 dB over 20 ms and stay there until `unduck`, `resume` or the next reply."""
        with self._lock:
            self._duck.to(10 ** (self._settings.duck_db / 20), self._frames(self._settings.duck_ms))

    def unduck(self) -> None:
        """Go back to full gain over 150 ms."""
        with self._lock:
            self._duck.to(1.0, self._frames(self._settings.unduck_ms))

    def pause(self) -> None:
        """Fade to silence over 20 ms and hold; the pause point is the content frame where the fade begins.

        Before the first sample, and in a gap, it holds at once. Nothing happens without a reply or when held.
        """
        with self._lock:
            if self._reply is not None and not self._reply.held:
                self._fade_to_nothing(self._reply, self._settings.pause_fade_ms)
                self._reply.held = True

    def resume(self, rewind_frames: int = 0) -> None:
        """Go on from the pause point - `rewind_frames` at full gain, faded in over 20 ms.

        What the fade of the pause consumed plays again. The rewind goes back no further than what is kept
        (`keep_behind_ms`) and the beginning. When nothing is held, it only un-ducks.
        """
        with self._lock:
            reply = self._reply
            if reply is None or not reply.held:
                self._duck.to(1.0, self._frames(self._settings.unduck_ms))
                return
            reply.held = False
            reply.read_frame = max(reply.buffer.start, reply.read_frame - max(0, rewind_frames))
            self._duck.jump(1.0)
            self._fade.jump(0.0)
            self._fade.to(1.0, self._frames(self._settings.resume_fade_ms))

    def paused_at(self) -> int | None:
        """Return the pause point while held: everything before it leaves the loudspeaker within the latency."""
        with self._lock:
            return self._reply.read_frame if self._reply is not None and self._reply.held else None

    def position(self, output_latency_frames: int) -> int:
        """Return how many content frames of the current reply have left the loudspeaker; 0 without a reply.

        That is the content at device frame (rendered - latency). It stands still in gaps and from the pause point on
        (what the fade of a pause lets through is not counted), and a rewind takes it back.
        """
        with self._lock:
            if self._reply is None:
                return 0
            return self._reply.timeline.position(self._device_frames - output_latency_frames)

    def status(self, output_latency_frames: int) -> PlayerStatus:
        """Return where the current reply stands, all of it at one moment."""
        with self._lock:
            reply, at_frame = self._reply, self._device_frames - output_latency_frames
            if reply is None:
                return PlayerStatus(None, PlayerPhase.IDLE, 0, 0, 0, 0)
            furthest = reply.timeline.furthest(at_frame)
            return PlayerStatus(
                epoch=reply.epoch,
                phase=reply.phase(at_frame, furthest),
                buffered_frames=reply.buffer.end - reply.read_frame,
                underruns=reply.underruns,
                rendered_frames=reply.read_frame,
                furthest_frames=furthest,
            )

    def cue(self, samples: Samples) -> bool:
        """Play a short sound as soon as possible, over a reply, after other cues; False if too many wait already."""
        with self._lock:
            if len(self._cue) + len(samples) > self._frames(CUE_LIMIT_MS):
                return False
            self._cue = np.concatenate([self._cue, samples]).astype(np.int16)
            return True

    def stop_cues(self) -> None:
        """Let the cue that sounds fade out over 10 ms, and drop those that wait."""
        with self._lock:
            frames = min(len(self._cue), self._frames(FLUSH_FADE_MS))
            self._cue = apply_gain(self._cue[:frames], fade_out(frames)) if frames else _silence()

    def render(self, frames: int) -> Samples:
        """Return the next `frames` int16 mono samples for the device: for the audio thread alone."""
        out = np.zeros(frames, np.int16)
        with self._lock:
            if self._reply is not None:
                self._render_reply(self._reply, out)
            self._duck.advance(frames)
            self._fade.advance(frames)
            self._tail = _mix(out, self._tail)
            self._cue = _mix(out, self._cue)
            out = apply_gain(out, self._volume.peek(frames))
            self._volume.advance(frames)
            self._device_frames += frames
        return out

    def _render_reply(self, reply: _Reply, out: Samples) -> None:
        available = 0 if reply.held else min(len(out), reply.buffer.end - reply.read_frame)
        if available:
            part = out[:available]
            reply.buffer.read_into(part, reply.read_frame)
            part[:] = apply_gain(part, self._duck.peek(available), self._fade.peek(available))
            reply.timeline.playing(self._device_frames, reply.read_frame)
            reply.read_frame += available
            reply.sounds_until = self._device_frames + available
            reply.in_gap = False
            reply.buffer.forget_before(reply.read_frame - self._frames(self._keep_behind_ms))
        if available < len(out):
            reply.timeline.standing(self._device_frames + available, reply.read_frame)
            if reply.read_frame and not (reply.held or reply.ended or reply.in_gap):
                reply.in_gap = True
                reply.underruns += 1

    def _drop_reply(self) -> None:
        if self._reply is not None:
            if not self._reply.held:
                self._fade_to_nothing(self._reply, FLUSH_FADE_MS)
            self._reply = None
        self._duck.jump(1.0)
        self._fade.jump(1.0)

    def _fade_to_nothing(self, reply: _Reply, fade_ms: float) -> None:
        """Turn what would sound next into a tail that fades out on its own: the reply itself can change at once.

        A resume within the tail thereby becomes a cross-fade, and a flush never has to be waited for.
        """
        if reply.read_frame == 0 or self._fade.value == 0:
            return
        ahead = reply.buffer.read(reply.read_frame, self._frames(fade_ms))
        frames = len(ahead)
        faded = apply_gain(ahead, self._duck.peek(frames), self._fade.peek(frames), fade_out(frames))
        longer, shorter = (faded, self._tail) if frames >= len(self._tail) else (self._tail.copy(), faded)
        _mix(longer, shorter)
        self._tail = longer

    def _frames(self, duration_ms: float) -> int:
        return round(self._rate_hz * duration_ms / 1000)


def _silence() -> Samples:
    return np.zeros(0, np.int16)


def _mix(out: Samples, sound: Samples) -> Samples:
    """Add the beginning of a sound to `out`, clipped; return the rest of the sound."""
    count = min(len(out), len(sound))
    if count:
        both = out[:count].astype(np.int32) + sound[:count]
        out[:count] = np.clip(both, np.iinfo(np.int16).min, np.iinfo(np.int16).max)
    return sound[count:]
