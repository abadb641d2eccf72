"""The reply under way: its text, its word marks, its audio."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.heard import Completeness, estimate_marks, heard_text, rewind_ms
from interject.satellite.audio.reply_resampling import ReplyResampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.satellite.audio.base import Samples
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
