"""The speech of all runs and announcements that is still wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from interject.satellite.transports.assist import effects
from interject.satellite.transports.wyoming.feed import Feed

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from interject.satellite.transports.base import PipelineListener
    from interject.satellite.transports.direct.marks import MarksSource
    from interject.wire.errors import InterjectError

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

    def carry_out(self, effect: FeedEffect, listener: PipelineListener) -> None:
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

    def _feed(self, number: int, listener: PipelineListener) -> Feed:
        if number not in self._feeds:
            feed = Feed(listener, self._marks)
            task = self._start(feed.run, f"speech of run {number}", feed.give_up)
            self._feeds[number] = (feed, task)
        return self._feeds[number][0]

    def _drop(self, number: int) -> None:
        if number in self._feeds:
            self._feeds.pop(number)[1].cancel()
