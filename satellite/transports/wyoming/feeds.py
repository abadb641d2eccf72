"""The speech of all runs and announcements that is still wanted: kept until it is known whose it is."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Protocol

from interject.satellite.transports.assist import effects
from interject.satellite.transports.assist.errors import TooMuchSpeechError
from interject.wire.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from interject.satellite.transports.base import TransportListener
    from interject.satellite.transports.direct.marks import MarksSource
    from interject.wire.errors import InterjectError
    from interject.wire.events import WordMark


_LOGGER = logging.getLogger(__name__)

_WIDTH = 2
# Home Assistant sends as fast as it can, and is never kept waiting: this much is kept.
_KEPT_MIN = 10
# Marks made from the same text by the same voice differ by rounding; others do not fit the speech.
_MARKS_RATIO = 0.03
_MARKS_MS = 300.0


class Feed:
    """One reply or announcement."""

    def __init__(self, listener: TransportListener, marks: MarksSource | None) -> None:
        self._listener = listener
        self._marks = marks
        self._epoch: int | None = None
        self._bound = asyncio.Event()
        self._text = ""
        self._text_known = asyncio.Event()
        self._audio: deque[tuple[bytes, int]] = deque()
        self._audio_changed = asyncio.Event()
        self._kept_s = 0.0
        self._length_ms = 0.0
        self._ended = asyncio.Event()
        self._error: InterjectError | None = None
        self._refused = False

    def bind(self, epoch: int) -> None:
        """Let what came and what comes be heard, as the reply of an epoch."""
        self._epoch = epoch
        self._bound.set()
        if self._text:
            self._listener.reply_text(epoch, self._text)

    def text(self, text: str) -> None:
        """Take the whole text."""
        self._text = text
        self._text_known.set()
        if self._epoch is not None:
            self._listener.reply_text(self._epoch, text)

    def audio(self, audio: bytes, rate_hz: int) -> None:
        """Take more speech: 16-bit mono; past the bound it is refused."""
        seconds = len(audio) / (_WIDTH * rate_hz)
        if self._ended.is_set() or self._refused:
            return
        if self._kept_s + seconds > _KEPT_MIN * 60:
            self._refused = True
            _LOGGER.warning("%s", TooMuchSpeechError(_KEPT_MIN))
            return
        self._kept_s += seconds
        self._length_ms += seconds * 1000
        self._audio.append((audio, rate_hz))
        self._audio_changed.set()

    def end(self, error: InterjectError | None) -> None:
        """Note that nothing more comes; `error` says why, if more should have come."""
        if not self._ended.is_set():
            self._error = error
            self._ended.set()
            self._audio_changed.set()

    async def run(self) -> None:
        """Hand everything over, at the pace of the loudspeaker; cancel to drop it."""
        marking = asyncio.create_task(self._mark(), name="word marks")
        try:
            await self._hand_over()
            # A short reply is handed over long before it has been heard.
            await marking
        finally:
            marking.cancel()
            await asyncio.gather(marking, return_exceptions=True)

    async def _hand_over(self) -> None:
        await self._bound.wait()
        epoch = self._epoch
        if epoch is None:
            return
        while True:
            while self._audio:
                audio, rate_hz = self._audio.popleft()
                self._kept_s -= len(audio) / (_WIDTH * rate_hz)
                self._listener.reply_audio(epoch, audio, rate_hz)
                await self._listener.room_for_audio(epoch)
            if self._ended.is_set():
                break
            self._audio_changed.clear()
            await self._audio_changed.wait()
        self._finish(epoch, self._error)

    def give_up(self, error: InterjectError) -> None:
        """Hand over nothing any more."""
        if self._epoch is not None:
            self._finish(self._epoch, error)

    def _finish(self, epoch: int, error: InterjectError | None) -> None:
        if error is not None:
            self._listener.reply_failed(epoch, error)
        self._listener.reply_ended(epoch)

    async def _mark(self) -> None:
        """Tell when the words sound, if our own synthesiser speaks as the one that was heard."""
        if self._marks is None:
            return
        await self._text_known.wait()
        try:
            marks = await self._marks.marks_of(self._text)
        except WireError as error:
            # The server's own log line tells of the first failure of a row.
            _LOGGER.debug("no word marks: %s", error)
            return
        await self._ended.wait()
        await self._bound.wait()
        if self._epoch is not None and marks_fit(marks, self._length_ms):
            self._listener.reply_marks(self._epoch, marks)


def marks_fit(marks: tuple[WordMark, ...], length_ms: float) -> bool:
    """Tell whether marks end where speech of that length does."""
    if not marks:
        return False
    return abs(length_ms - marks[-1].end_ms) <= max(_MARKS_MS, _MARKS_RATIO * length_ms)


FeedEffect = effects.Bind | effects.FeedText | effects.FeedAudio | effects.EndFeed | effects.DropFeed


class Start(Protocol):
    """Begins work that ends with the pipeline."""

    def __call__(
        self,
        work: Callable[[], Coroutine[None, None, None]],
        name: str,
        give_up: Callable[[InterjectError], None] | None = None,
    ) -> asyncio.Task[None]:
        """Begin; a fault in it is logged, and `give_up` told."""


class Feeds:
    """Makes a feed when the first of it comes, and drops it when nobody wants it any more."""

    def __init__(self, marks: MarksSource | None, start: Start) -> None:
        self._marks = marks
        self._start = start
        self._feeds: dict[int, tuple[Feed, asyncio.Task[None]]] = {}

    def carry_out(self, effect: FeedEffect, listener: TransportListener) -> None:
        """Do one thing to a feed."""
        match effect:
            case effects.Bind(number, epoch):
                self._feed(number, listener).bind(epoch)
            case effects.FeedText(number, text):
                self._feed(number, listener).text(text)
            case effects.FeedAudio(number, audio, rate_hz):
                self._feed(number, listener).audio(audio, rate_hz)
            case effects.EndFeed(number, error):
                self._feed(number, listener).end(error)
            case effects.DropFeed(number):
                self._drop(number)

    def _feed(self, number: int, listener: TransportListener) -> Feed:
        if number not in self._feeds:
            feed = Feed(listener, self._marks)
            task = self._start(feed.run, f"speech of run {number}", feed.give_up)
            self._feeds[number] = (feed, task)
        return self._feeds[number][0]

    def _drop(self, number: int) -> None:
        if number in self._feeds:
            self._feeds.pop(number)[1].cancel()
