"""Hears a stop word as an utterance begins, without a recogniser and within half a second."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from interject.satellite.wake.base import RATE_HZ
from interject.satellite.wake.stop_grammar import StopDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from interject.satellite.audio.base import Samples
    from interject.satellite.frontend.preroll import PreRoll
    from interject.satellite.wake.stop_grammar import Reading, StopPhrase

_LOGGER = logging.getLogger(__name__)

# The VAD believes in an "s" 30 ms late at the median of 24 recorded "stop"s, and 190 at P90. With more of a room's
# noise before the word, the decoder takes it for a sound: 0.3 s cost 4 of 22 "stop"s in a noise 35 dB below them.
_LEAD = round(0.2 * RATE_HZ)
# From so much of it, the level of a voice is known.
_LEVEL_KNOWN = round(0.2 * RATE_HZ)
# Of "stop"s with peaks at -30 dBFS in white noise of -60 the decoder hears 3 of 23 as they come, 11 with this gain.
_LOUDEST_DBFS = -15.0
# No more gain than makes a quiet room's noise, at -65 dBFS, a loud one's.
_MOST_GAIN_DB = 40.0
# The word begins with its utterance, or it is one of a sentence ("tell me a sto-ry"): of 43 "stop"s, loud and in noise,
# none began after the first voiced window, and none was told later than 0.54 s after it.
_LATEST_START = round(0.1 * RATE_HZ)
_LONGEST = round(0.9 * RATE_HZ)
# The library holds Python's lock while it decodes: 20 ms of sound take it 1 to 2 ms of a PC, 3.4 million
# instructions of a Raspberry Pi 4.
_SLICE = RATE_HZ // 50
# So long a phrase has to explain all that was said: with 60 ms a "no" passed for it. "Stop the timer" sounds the same
# for longer than anybody would wait; the recogniser's words tell it.
STANDS_MS = 120.0
_SLICE_MS = _SLICE * 1000 / RATE_HZ
_FULL_SCALE = 32_767


@dataclass(frozen=True, slots=True)
class StopFound:
    """A stop phrase that was heard.

    onset_index: the first voiced sample of its utterance; heard_index: one past the last sample that was needed, both
    counted as in the ring; stood_ms: for how long it was the best explanation.
    """

    phrase: StopPhrase
    onset_index: int
    heard_index: int
    stood_ms: float


class Decoder(Protocol):
    """Tells what an utterance is so far: StopDecoder, or what a test decides."""

    def begin(self) -> None:
        """Begin an utterance."""

    def feed(self, pcm: bytes) -> Reading | None:
        """Take more audio; return the phrase that explains it all."""

    def end(self) -> None:
        """End the utterance."""


class Utterance:
    """One utterance in a decoder: a stop phrase once it has stood long enough."""

    def __init__(self, decoder: Decoder, onset_index: int) -> None:
        self._decoder = decoder
        self._onset = onset_index
        self._first = 0
        self._waiting: list[tuple[Samples, int]] = []
        self._gain: float | None = None
        self._standing: StopPhrase | None = None
        self._stood_ms = 0.0

    def hear(self, samples: Samples, end_index: int) -> StopFound | None:
        """Take one slice, which ends before `end_index`."""
        self._waiting.append((samples, end_index))
        if end_index < self._onset + _LEVEL_KNOWN:
            return None
        if self._gain is None:
            self._gain = _gain([samples for samples, _ in self._waiting])
            first, first_end = self._waiting[0]
            self._first = first_end - len(first)
            self._decoder.begin()
        slices, self._waiting = self._waiting, []
        for piece, end in slices:
            found = self._decode(piece, end, self._gain)
            if found is not None:
                return found
        return None

    def _decode(self, samples: Samples, end_index: int, gain: float) -> StopFound | None:
        louder = np.clip(samples * gain, -_FULL_SCALE, _FULL_SCALE)
        reading = self._decoder.feed(louder.astype("<i2").tobytes())
        start = self._first + round((reading.start_ms if reading is not None else 0.0) * RATE_HZ / 1000)
        if reading is None or start > self._onset + _LATEST_START:
            self._standing = None
            return None
        # "Stop" on the way to "stop it" has stood as long as that.
        self._stood_ms = self._stood_ms + _SLICE_MS if reading.phrase == self._standing else 0.0
        self._standing = reading.phrase
        if self._stood_ms < STANDS_MS:
            return None
        return StopFound(reading.phrase, self._onset, end_index, self._stood_ms)


def slices_of(samples: Samples, onset_index: int) -> Iterator[tuple[Samples, int]]:
    """Cut out of a whole recording what a search hears of the utterance that began at an index."""
    end = min(len(samples), onset_index + _LONGEST)
    for at in range(max(0, onset_index - _LEAD), end - _SLICE + 1, _SLICE):
        yield samples[at : at + _SLICE], at + _SLICE


def _gain(slices: Sequence[Samples]) -> float:
    loudest = max(float(np.mean(np.square(samples, dtype=np.float64))) for samples in slices)
    wanted = _FULL_SCALE * 10 ** (_LOUDEST_DBFS / 20) / math.sqrt(max(loudest, 1.0))
    return float(min(wanted, 10 ** (_MOST_GAIN_DB / 20)))


class StopWordSearch:
    """Listens to the beginning of each utterance that may be a stop word; decodes in a thread of its own."""

    def __init__(self, make_decoder: Callable[[], Decoder] = StopDecoder) -> None:
        self._make_decoder = make_decoder
        self._slices: deque[tuple[int, Samples, int]] = deque()
        self._arrived = asyncio.Event()
        self._onset: int | None = None
        self._next = 0
        self._decoding = False

    @property
    def idle(self) -> bool:
        """Whether all that was to be heard was decoded."""
        return not self._slices and not self._decoding

    async def run(self, heard: Callable[[StopFound], None]) -> None:
        """Work until cancelled; calls `heard` on the event loop."""
        try:
            decoder = await asyncio.to_thread(self._make_decoder)
        except (ImportError, OSError, RuntimeError) as error:
            _LOGGER.warning("stop words are heard by the recogniser alone: pocketsphinx does not work (%s)", error)
            return
        utterance: Utterance | None = None
        onset: int | None = None
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._slices:
                began, samples, end_index = self._slices.popleft()
                if began != onset:
                    onset, utterance = began, Utterance(decoder, began)
                if utterance is None:
                    continue
                self._decoding = True
                found = await asyncio.to_thread(utterance.hear, samples, end_index)
                self._decoding = False
                if found is not None:
                    utterance = None
                    heard(found)

    def follow(self, ring: PreRoll, onset_index: int | None) -> None:
        """Listen to the utterance that began at an index of the ring; to nothing if there is none. Never blocks."""
        if onset_index is None:
            self._onset = None
            self._slices.clear()
            return
        if onset_index != self._onset:
            self._onset = onset_index
            self._next = max(onset_index - _LEAD, ring.start)
            self._slices.clear()
        end = min(ring.end, onset_index + _LONGEST)
        while self._next + _SLICE <= end:
            self._slices.append((onset_index, ring.since(self._next)[:_SLICE], self._next + _SLICE))
            self._next += _SLICE
        if self._slices:
            self._arrived.set()
