"""Chooses the microphone audio that goes to STT: each sample once, the satellite's own short sounds never."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.frontend.preroll import PreRoll

RATE_HZ = 16_000
# A voice is noticed some 100 ms after it began; audio under a short sound of ours waits this long for the news.
_ONSET_NEWS = RATE_HZ // 4
# Silero's first voiced window begins up to two windows after the first consonant.
_BEFORE_ONSET = RATE_HZ * 64 // 1000


@dataclass(frozen=True, slots=True)
class _Hidden:
    """A stretch of the ring in which one of our short sounds can be heard, unless somebody speaks over it."""

    start: int
    end: int


class SttAudio:
    """Follows one stream at a time through the ring of what was heard; indices are those of the ring."""

    def __init__(self, ring: PreRoll) -> None:
        self._ring = ring
        self._stream = 0
        self._start = 0
        self._sent_until = 0
        self._hidden: tuple[_Hidden, ...] = ()
        self._sounds_until = 0
        self._has_voice = False

    @property
    def stream(self) -> int:
        """The stream that takes audio; 0 for none."""
        return self._stream

    def hide(self, duration_s: float) -> None:
        """Keep what is heard from now on for so long from the recogniser, unless somebody speaks: a sound of ours."""
        self._sounds_until = max(self._sounds_until, self._ring.end + round(duration_s * RATE_HZ))
        if not self._has_voice:
            self._hide_from_now_on()

    def voice_began(self, index: int) -> None:
        """Somebody speaks from `index` on, over our sound if need be, which then ends."""
        onset = index - _BEFORE_ONSET
        self._has_voice = True
        self._sounds_until = min(self._sounds_until, onset)
        cut = (_Hidden(hidden.start, min(hidden.end, max(onset, hidden.start))) for hidden in self._hidden)
        self._hidden = tuple(hidden for hidden in cut if hidden.end > hidden.start)

    def voice_ended(self) -> None:
        """Nobody speaks any more; a sound of ours that began meanwhile may go on."""
        self._has_voice = False
        if self._sounds_until > self._ring.end:
            self._hide_from_now_on()

    def open(self, stream: int, pre_roll_ms: float) -> float:
        """Give a stream the audio from `pre_roll_ms` ago on, but nothing twice; returns where it begins (s)."""
        earliest = self._ring.end - round(pre_roll_ms * RATE_HZ / 1000)
        self._stream = stream
        self._start = max(earliest, self._sent_until, 0)
        self._sent_until = self._start
        return self._start / RATE_HZ

    def next_audio(self) -> NDArray[np.int16]:
        """Return what the open stream has to be sent now."""
        if not self._stream:
            return np.zeros(0, np.int16)
        return self._take(self._ring.end - (_ONSET_NEWS if self._may_be_spoken_over() else 0))

    def rest(self) -> NDArray[np.int16]:
        """Return all that the open stream has not been sent yet: it ends."""
        return self._take(self._ring.end) if self._stream else np.zeros(0, np.int16)

    def end(self, last_voice_s: float) -> None:
        """Close the stream; the silence at its end may hold the first sound of what comes next."""
        self._stream = 0
        self._sent_until = min(self._sent_until, max(self._start, round(last_voice_s * RATE_HZ)))

    def take_back(self, stream: int) -> None:
        """Close the stream if it takes audio: what it got became no text, and may be the first sound of some."""
        if stream == self._stream:
            self._stream = 0
            self._sent_until = self._start

    def finished(self, stream: int) -> None:
        """Close the stream if it takes audio: its text is there."""
        if stream == self._stream:
            self._stream = 0

    def _hide_from_now_on(self) -> None:
        kept = tuple(hidden for hidden in self._hidden if hidden.end > self._ring.start)
        self._hidden = (*kept, _Hidden(self._ring.end, self._sounds_until))

    def _may_be_spoken_over(self) -> bool:
        """Whether it may yet turn out that somebody spoke over a sound of ours that has not been sent."""
        uncertain = (hidden for hidden in self._hidden if hidden.end > self._ring.end - _ONSET_NEWS)
        return any(self._sent_until < hidden.end for hidden in uncertain)

    def _take(self, until: int) -> NDArray[np.int16]:
        start = max(self._sent_until, self._ring.start)
        audio: NDArray[np.int16] = self._ring.since(self._sent_until)[: max(0, until - start)]
        self._sent_until = max(self._sent_until, until)
        for hidden in self._hidden:
            audio[max(0, hidden.start - start) : max(0, hidden.end - start)] = 0
        return audio
