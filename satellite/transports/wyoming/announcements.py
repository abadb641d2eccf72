"""What Home Assistant asks of a room that converses without it: announcements, timers and the mute switch."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from wyoming.snd import Played

from interject.satellite.records.home_assistant import Connected, Disconnected
from interject.satellite.transports.assist import effects, events
from interject.satellite.transports.assist.demux import Demux
from interject.satellite.transports.base import survive
from interject.satellite.transports.wyoming.feeds import Feeds
from interject.satellite.transports.wyoming.messages import is_timer, read

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wyoming.event import Event

    from interject.satellite.transports.base import RoomListener, Transport
    from interject.satellite.transports.wyoming.link import HomeAssistantLink
    from interject.satellite.wake.base import WakeWord
    from interject.wire.errors import InterjectError
    from interject.wire.events import Interrupt

_LOGGER = logging.getLogger(__name__)

# An announcement begins before it is synthesised.
_GAP_S = 30.0


class Announcements:
    """Listens to Home Assistant's connection, and has a room say what comes over it.

    All speech is an announcement here: Home Assistant is never asked for a reply.
    """

    def __init__(self, link: HomeAssistantLink) -> None:
        self._link = link
        self._listener: RoomListener | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._feeds = Feeds(None, self._start)
        self._demux = Demux()
        self._begun = 0
        # Of the announcement that the room has made way for.
        self._feed: int | None = None
        self._epoch: int | None = None
        self._gap: asyncio.TimerHandle | None = None
        self._muted = False

    async def run(self, listener: RoomListener) -> None:
        """Work until cancelled."""
        self._listener = listener
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._link.attach(self)
                await asyncio.Event().wait()
        finally:
            self._link.detach()
            self._wait_for_more(None)

    def owns(self, epoch: int) -> bool:
        """Tell whether an epoch is that of an announcement."""
        return epoch == self._epoch

    def over(self) -> None:
        """The announcement was heard to its end, or cut off: Home Assistant waits to be told."""
        self._link.send(Played().event())
        self._wait_for_more(None)
        if self._feed is not None:
            self._feeds.carry_out(effects.DropFeed(self._feed), self._room)
        self._demux = self._demux.disowned()
        self._feed = self._epoch = None

    def connected(self, name: str) -> None:
        """Home Assistant is ready for us."""
        self._room.note(Connected(uri=name))

    def lost(self, name: str, error: InterjectError) -> None:
        """The live connection is gone: what has come of an announcement is played."""
        self._room.note(Disconnected(uri=name))
        _LOGGER.debug("Home Assistant is gone: %s", error)
        self._demux = Demux()
        self._end()

    def paused(self) -> None:
        """The user switched the microphone off in Home Assistant."""
        self._muted = True
        self._room.mute()

    def unpaused(self) -> None:
        """The microphone may be on again."""
        if self._muted:
            self._muted = False
            self._room.unmute()

    def received(self, event: Event) -> None:
        """Take the next event; raises RequestError for one that is malformed."""
        if is_timer(event):
            self._room.timer(event)
            return
        match read(event):
            case events.SpeechStarted():
                self._begin()
            case events.Speech() as speech:
                self._take(speech)
            case events.SpeechStopped(timestamp_ms):
                self._demux, owner = self._demux.stopped(timestamp_ms)
                if owner == self._feed:
                    self._end()
            case _:
                _LOGGER.debug("Home Assistant sent %s", event.type)

    def _begin(self) -> None:
        """Have the room make way; an announcement that sounds is cut off by that."""
        epoch = self._room.announce()
        self._begun += 1
        self._demux = self._demux.opened(self._begun)
        self._feed, self._epoch = self._begun, epoch
        self._feeds.carry_out(effects.Bind(self._feed, epoch), self._room)
        self._wait_for_more(_GAP_S)

    def _take(self, speech: events.Speech) -> None:
        demux, owner = self._demux.chunk(speech.timestamp_ms, speech.length_ms)
        if owner is None and not speech.timestamp_ms:
            # Its audio-start is missing.
            self._begin()
            demux, owner = self._demux.chunk(speech.timestamp_ms, speech.length_ms)
        self._demux = demux
        if owner is not None and owner == self._feed:
            self._feeds.carry_out(effects.FeedAudio(owner, speech.audio, speech.rate_hz), self._room)
            self._wait_for_more(_GAP_S)

    def _end(self) -> None:
        """Expect nothing more of the announcement; what there is of it is heard."""
        self._wait_for_more(None)
        if self._feed is not None:
            self._feeds.carry_out(effects.EndFeed(self._feed), self._room)

    def _wait_for_more(self, seconds: float | None) -> None:
        if self._gap is not None:
            self._gap.cancel()
        self._gap = None if seconds is None else asyncio.get_running_loop().call_later(seconds, self._end)

    @property
    def _room(self) -> RoomListener:
        if self._listener is None:
            raise RuntimeError("it is not running")
        return self._listener

    def _start(
        self,
        work: Callable[[], Coroutine[None, None, None]],
        name: str,
        give_up: Callable[[InterjectError], None] | None = None,
    ) -> asyncio.Task[None]:
        if self._tasks is None:
            raise RuntimeError("it is not running")
        return self._tasks.create_task(survive(work, name, give_up), name=name)


class WithHomeAssistant:
    """Turns are another pipeline's; Home Assistant has none of them, and is told of its own announcements only."""

    def __init__(self, turns: Transport, link: HomeAssistantLink) -> None:
        self._turns = turns
        self._home = Announcements(link)

    async def run(self, listener: RoomListener) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._turns.run(listener), name="turns")
            tasks.create_task(self._home.run(listener), name="Home Assistant")

    def woken(self, word: WakeWord) -> None:
        """A wake word began the utterance that is opened next."""
        self._turns.woken(word)

    def open_stt(self, stream: int) -> None:
        """Begin an utterance."""
        self._turns.open_stt(stream)

    def send_audio(self, stream: int, audio: bytes) -> None:
        """Send some of an utterance: 16 kHz, 16-bit, mono."""
        self._turns.send_audio(stream, audio)

    def end_stt(self, stream: int) -> None:
        """End an utterance: its text is wanted now."""
        self._turns.end_stt(stream)

    def abort_stt(self, stream: int) -> None:
        """Forget an utterance."""
        self._turns.abort_stt(stream)

    def turn_dropped(self) -> None:
        """The user's turn is over, and nothing is asked."""
        self._turns.turn_dropped()

    def ask(self, epoch: int, text: str) -> None:
        """Have a reply generated and spoken."""
        self._turns.ask(epoch, text)

    def cancel(self, interrupt: Interrupt) -> None:
        """Stop a reply, or an announcement of Home Assistant's."""
        if self._home.owns(interrupt.epoch):
            self._home.over()
        else:
            self._turns.cancel(interrupt)

    def played(self, epoch: int) -> None:
        """A reply or an announcement was heard to its end, or had nothing to hear."""
        if self._home.owns(epoch):
            self._home.over()
        else:
            self._turns.played(epoch)
