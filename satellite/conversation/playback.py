"""What plays under the newest epoch: a reply, an announcement or a ring; and what was heard of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.heard import Completeness, estimate_marks, heard_text, rewind_ms, sentence_start_ms
from interject.satellite.audio.player import PlayerPhase
from interject.satellite.audio.resampling import ReplyResampler
from interject.satellite.turn.state import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interject.satellite.audio.base import Samples
    from interject.satellite.audio.player import Player, PlayerStatus
    from interject.wire.events import WordMark


_FULL_SCALE = 32_767


@dataclass(slots=True)
class ReplyRecord:
    """One reply; positions are milliseconds of its own audio."""

    epoch: int
    device_rate_hz: int
    volume: float = 1.0
    text: str = ""
    marks: list[WordMark] = field(default_factory=list)
    audio_ms: float = 0.0
    started: bool = False
    ended: bool = False
    _resampler: ReplyResampler | None = None
    _source_rate_hz: int = 0

    def convert(self, audio: bytes, rate_hz: int) -> Samples:
        """Bring speech (16-bit mono) to the device's rate and volume."""
        held_back = np.zeros(0, np.int16)
        if self._resampler is None or rate_hz != self._source_rate_hz:
            if self._resampler is not None:
                held_back = self._resampler.flush()
            self._resampler = ReplyResampler(rate_hz, self.device_rate_hz)
            self._source_rate_hz = rate_hz
        samples = np.frombuffer(audio, dtype="<i2").astype(np.int16, copy=False)
        self.audio_ms += len(samples) * 1000 / rate_hz
        return self._at_volume(np.concatenate([held_back, self._resampler.process(samples)]))

    def rest(self) -> Samples:
        """Return what the resampler held back."""
        if self._resampler is None:
            return np.zeros(0, np.int16)
        return self._at_volume(self._resampler.flush())

    def heard(self, position_ms: float) -> str:
        """Return the part of the text that had been spoken at a position."""
        return heard_text(self.text, self.known_marks(), position_ms)

    def rewind_ms(self, position_ms: float) -> float:
        """Return how far back the word begins that sounds at a position."""
        return rewind_ms(self.known_marks(), position_ms)

    def sentence_start_ms(self, position_ms: float) -> float:
        """Return where the sentence begins of which a word was heard last."""
        return sentence_start_ms(self.text, self.known_marks(), position_ms)

    def known_marks(self) -> Sequence[WordMark]:
        """Return the server's word marks, or an estimate where it sent none."""
        if self.marks:
            return self.marks
        completeness = Completeness.COMPLETE if self.ended else Completeness.PARTIAL
        return estimate_marks(self.text, self.audio_ms, completeness)

    def _at_volume(self, samples: Samples) -> Samples:
        if self.volume == 1.0:
            return samples
        louder: Samples = np.clip(samples * self.volume, -_FULL_SCALE, _FULL_SCALE).astype(np.int16)
        return louder


# A ring is made while it sounds: the next seconds of it are enough.
_RING_AHEAD_S = 2.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What had been heard of a text, and after how much of its audio."""

    text: str
    position_ms: float


class Playback:
    """The newest epoch on its way to the loudspeaker; positions are milliseconds of its own audio."""

    def __init__(self, player: Player, volume: float = 1.0) -> None:
        self._player = player
        self._volume = volume
        self._latency_frames = 0
        self._ring: Iterator[Samples] | None = None
        self.kind = Kind.REPLY
        self.record = ReplyRecord(0, player.rate_hz)

    @property
    def epoch(self) -> int:
        """The newest epoch."""
        return self.record.epoch

    def follow(self, output_latency_frames: int) -> PlayerStatus:
        """Return where playback stands now, with what is still in the device taken off."""
        self._latency_frames = output_latency_frames
        self._feed_ring()
        return self.status()

    def status(self) -> PlayerStatus:
        """Return where playback stands."""
        return self._player.status(self._latency_frames)

    def begin(self, epoch: int, kind: Kind) -> None:
        """Begin something new; what sounded before fades out and is gone."""
        self._ring = None
        self.kind = kind
        self.record = ReplyRecord(epoch, self._player.rate_hz, self._volume)
        self._player.begin(epoch)

    def begin_ring(self, epoch: int, sounds: Iterator[Samples]) -> None:
        """Begin a ring, which makes its own audio."""
        self.begin(epoch, Kind.RING)
        self._ring = sounds
        self._feed_ring()

    def add_marks(self, marks: tuple[WordMark, ...]) -> None:
        """Take in when the next words sound."""
        self.record.marks.extend(marks)

    def add_audio(self, audio: bytes, rate_hz: int) -> None:
        """Take in more speech: 16-bit mono."""
        self._player.feed(self.epoch, self.record.convert(audio, rate_hz))

    def complete(self) -> None:
        """No more audio will come."""
        self._player.feed(self.epoch, self.record.rest())
        self._player.end(self.epoch)
        self.record.ended = True

    def position_ms(self) -> float:
        """Return how much has been heard, or will have been a moment after a pause."""
        furthest = self.status().furthest_frames
        return max(furthest, self._player.paused_at() or 0) * 1000 / self._player.rate_hz

    def heard(self) -> Heard:
        """Return what has been heard so far."""
        position_ms = self.position_ms()
        return Heard(self.record.heard(position_ms), position_ms)

    def duck(self) -> None:
        """Speak more softly."""
        self._player.duck()

    def unduck(self) -> None:
        """Speak at full level again."""
        self._player.unduck()

    def pause(self) -> None:
        """Hold, before the first sample or within it."""
        self._player.pause()

    def resume(self) -> float:
        """Go on from the last word boundary; returns how far back that was."""
        paused_at_ms = (self._player.paused_at() or 0) * 1000 / self._player.rate_hz
        rewound_ms = self.record.rewind_ms(paused_at_ms)
        self._player.resume(round(rewound_ms * self._player.rate_hz / 1000))
        return rewound_ms

    def say_again(self) -> float:
        """Go on from the beginning of the sentence that was heard last; returns how far back that was."""
        self._player.pause()
        paused_at_ms = (self._player.paused_at() or 0) * 1000 / self._player.rate_hz
        rewound_ms = max(0.0, paused_at_ms - self.record.sentence_start_ms(paused_at_ms))
        self._player.resume(round(rewound_ms * self._player.rate_hz / 1000))
        return rewound_ms

    def stop(self) -> None:
        """Fall silent for good."""
        self._ring = None
        self._player.flush(self.epoch)

    def has_finished(self, status: PlayerStatus) -> bool:
        """Whether the last sample has left the loudspeaker."""
        return status.phase is PlayerPhase.FINISHED

    def seconds_ahead(self) -> float:
        """Return how much waits to be played."""
        return self.status().buffered_frames / self._player.rate_hz

    def _feed_ring(self) -> None:
        while self._ring is not None and self.seconds_ahead() < _RING_AHEAD_S:
            sound = next(self._ring, None)
            if sound is None:
                self._ring = None
                self._player.end(self.epoch)
                return
            self._player.feed(self.epoch, sound)
