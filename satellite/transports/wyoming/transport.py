"""Home Assistant hears, thinks and speaks; the satellite decides when."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from interject.satellite.records.home_assistant import Connected, Disconnected
from interject.satellite.transports.assist import effects, events
from interject.satellite.transports.assist.machine import deadline, step
from interject.satellite.transports.assist.state import Hearing, Policy, State, WakeIn
from interject.satellite.transports.base import survive
from interject.satellite.transports.direct.corrections import Corrections
from interject.satellite.transports.wyoming.feeds import Feeds
from interject.satellite.transports.wyoming.messages import is_timer, read
from interject.satellite.transports.wyoming.own_stt import OwnStt
from interject.satellite.transports.wyoming.uplink import Uplink
from interject.satellite.turn.events import CancelReason

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wyoming.event import Event

    from interject.satellite.transports.base import RoomListener
    from interject.satellite.transports.direct.marks import MarksSource
    from interject.satellite.transports.direct.server import Server
    from interject.satellite.transports.wyoming.link import HomeAssistantLink
    from interject.satellite.wake.base import WakeWord
    from interject.wire.errors import InterjectError
    from interject.wire.events import Interrupt

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HomeAssistantSettings:
    """How turns are taken with Home Assistant.

    `satellite_id`: the satellite's name, from which Home Assistant makes that of its entity; `language`: for our own
    STT server; `endpoint_silence_ms`: the silence that ends a turn; `reply_timeout_s`: the longest wait for a reply.
    """

    satellite_id: str | None = None
    language: str | None = None
    endpoint_silence_ms: float = 600.0
    reply_timeout_s: float = 90.0
    wake: WakeIn = WakeIn.SATELLITE


class HomeAssistantTransport:
    """Carries out what the machine decides; everything happens on the event loop."""

    def __init__(
        self,
        link: HomeAssistantLink,
        settings: HomeAssistantSettings,
        stt: Server | None = None,
        llm: Server | None = None,
        marks: MarksSource | None = None,
    ) -> None:
        """With `stt`, interruptions are judged by their words; with `llm`, its history is corrected after them."""
        self._link = link
        self._settings = settings
        self._policy = Policy(
            hearing=Hearing.NOBODY if stt is None else Hearing.OWN_STT,
            wake=settings.wake,
            endpoint_silence_ms=settings.endpoint_silence_ms,
            reply_timeout_s=settings.reply_timeout_s,
        )
        self._watched = tuple(helper for helper in (stt, llm, marks) if helper is not None)
        self._state = State()
        self._waiting: deque[events.Event] = deque()
        self._applying = False
        self._uplink = Uplink(link)
        self._own = None if stt is None else OwnStt(stt, settings.language, self, settings.satellite_id)
        self._corrections = None if llm is None else Corrections(llm, self._corrected)
        self._feeds = Feeds(marks, self._start)
        self._listener: RoomListener | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard: Callable[[str], None] = _nobody_listens
        self._muted = False

    async def run(self, listener: RoomListener) -> None:
        """Work until cancelled."""
        self._listener = listener
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                for helper in self._watched:
                    tasks.create_task(helper.watch(), name="watch a server")
                self._link.attach(self)
                await asyncio.Event().wait()
        finally:
            self._link.detach()
            if self._timer is not None:
                self._timer.cancel()

    def on_word(self, heard: Callable[[str], None]) -> None:
        """Tell of Home Assistant's own wake words by their names."""
        self._heard = heard

    def push(self, audio: bytes) -> None:
        """Take more of the microphone, 16 kHz: Home Assistant gets it while it listens for its wake word."""
        self._uplink.push(audio)

    def owns(self, epoch: int) -> bool:
        """Tell whether an epoch is that of an announcement."""
        announcement = self._state.announcement
        return announcement is not None and announcement.epoch == epoch

    def woken(self, word: WakeWord) -> None:
        """A wake word began the utterance that is opened next."""
        if not self._uplink.waking:
            self.take(events.Woken(word.name, word.pipeline))

    def open_stt(self, stream: int) -> None:
        """Begin an utterance."""
        self._uplink.open(stream)
        if self._corrections is not None:
            self._start(self._corrections.tell_what_is_untold, "interruptions that are untold")
        self.take(events.Opened(stream))

    def send_audio(self, stream: int, audio: bytes) -> None:
        """Send some of an utterance: 16 kHz, 16-bit, mono."""
        self._uplink.append(stream, audio)
        if self._own is not None:
            self._own.send(stream, audio)

    def end_stt(self, stream: int) -> None:
        """End an utterance: its text is wanted now."""
        self._uplink.end(stream)
        self.take(events.Ended(stream))

    def abort_stt(self, stream: int) -> None:
        """Forget an utterance."""
        self.take(events.Aborted(stream))

    def turn_dropped(self) -> None:
        """The user's turn is over, and nothing is asked."""
        self.take(events.Dropped())

    def ask(self, epoch: int, text: str) -> None:
        """Have a reply generated and spoken; Home Assistant has, or gets, the audio that the text was made of."""
        _LOGGER.debug("reply %d answers %r", epoch, text)
        self.take(events.Asked(epoch))

    def cancel(self, interrupt: Interrupt) -> None:
        """Stop a reply or an announcement; with an LLM bridge, have it know what was heard of a reply."""
        corrections = self._corrections
        # A reply that failed before its first word was none of the bridge's.
        unknown = interrupt.reason == CancelReason.FAILED.value and not interrupt.text
        if corrections is not None and not self.owns(interrupt.epoch) and not unknown:
            satellite_id = self._settings.satellite_id
            context = {} if satellite_id is None else {"satellite_id": satellite_id}
            told = replace(interrupt, context=context)
            self._start(functools.partial(corrections.tell, told), f"interrupt {interrupt.epoch}")
        self.take(events.Cancelled(interrupt.epoch, interrupt.reason))

    def played(self, epoch: int) -> None:
        """A reply or an announcement was heard to its end, or had nothing to hear."""
        self.take(events.Played(epoch))

    def connected(self, name: str) -> None:
        """Home Assistant is ready for us."""
        self._running_listener.note(Connected(uri=name))
        self.take(events.Connected())

    def lost(self, name: str, error: InterjectError) -> None:
        """The live connection is gone."""
        self._running_listener.note(Disconnected(uri=name))
        self.take(events.Lost(error))

    def paused(self) -> None:
        """The user switched the microphone off in Home Assistant."""
        self._muted = True
        self._running_listener.mute()

    def unpaused(self) -> None:
        """The microphone may be on again."""
        if self._muted:
            self._muted = False
            self._running_listener.unmute()
            self.take(events.Unpaused())

    def received(self, event: Event) -> None:
        """Take the next event; raises RequestError for one that is malformed."""
        if is_timer(event):
            self._running_listener.timer(event)
            return
        message = read(event)
        if message is None:
            _LOGGER.debug("Home Assistant sent %s", event.type)
        else:
            self.take(message)

    def partial(self, stream: int, text: str, confidence: float | None) -> None:
        """All words of a stream that are stable for our own STT server."""
        self._running_listener.partial(stream, text, confidence)

    def take(self, event: events.Event) -> None:
        """Apply an event, and do what follows; one that this brings about waits until all before it is done."""
        self._waiting.append(event)
        if self._applying:
            return
        self._applying = True
        try:
            while self._waiting:
                self._state, wanted = step(self._state, self._waiting.popleft(), _now(), self._policy)
                for effect in wanted:
                    self._carry_out(effect)
        finally:
            self._applying = False
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = deadline(self._state)
        if due is not None:
            self._timer = asyncio.get_running_loop().call_at(due, self.take, events.Tick())

    @property
    def _running_listener(self) -> RoomListener:
        if self._listener is None:
            raise RuntimeError("the pipeline is not running")
        return self._listener

    def _carry_out(self, effect: effects.Effect) -> None:
        listener = self._running_listener
        match effect:
            case effects.OpenOwn() | effects.EndOwn() | effects.DropOwn():
                self._ask_own(effect)
            case effects.TellText(stream, text, confidence):
                listener.transcribed(stream, text, confidence)
            case effects.TellSttFailed(stream, error):
                listener.stt_failed(stream, error)
            case effects.Bind() | effects.FeedText() | effects.FeedAudio() | effects.EndFeed() | effects.DropFeed():
                self._feeds.carry_out(effect, listener)
            case effects.Announce(feed):
                self.take(events.Announced(feed, listener.announce()))
            case effects.TellWord(name):
                self._heard(name)
            case effects.Note(record):
                listener.note(record)
            case _:
                self._uplink.carry_out(effect)

    def _ask_own(self, effect: effects.OpenOwn | effects.EndOwn | effects.DropOwn) -> None:
        own, tasks = self._own, self._tasks
        if own is None or tasks is None:
            return
        match effect:
            case effects.OpenOwn(stream):
                own.open(stream, tasks)
            case effects.EndOwn(stream):
                own.end(stream)
            case effects.DropOwn(stream):
                own.drop(stream)

    def _start(
        self,
        work: Callable[[], Coroutine[None, None, None]],
        name: str,
        give_up: Callable[[InterjectError], None] | None = None,
    ) -> asyncio.Task[None]:
        if self._tasks is None:
            raise RuntimeError("the pipeline is not running")
        return self._tasks.create_task(survive(work, name, give_up), name=name)

    def _corrected(self, epoch: int, content: str) -> None:
        self._running_listener.history_corrected(epoch, content)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _nobody_listens(name: str) -> None:
    _LOGGER.debug("Home Assistant heard %r, and nobody listens for wake words", name)
