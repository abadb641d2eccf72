"""Home Assistant hears, thinks and speaks; the satellite decides when."""

from __future__ import annotations

import asyncio
import functools
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wyoming.snd import Played as PlayedEvent

from satellite.pipelines.corrections import Corrections
from satellite.pipelines.faults import survive
from satellite.pipelines.home_assistant import messages, writing
from satellite.pipelines.home_assistant.feed import Feed
from satellite.pipelines.home_assistant.machine import deadline, step
from satellite.pipelines.home_assistant.own_stt import OwnStt
from satellite.pipelines.home_assistant.reading import is_timer, read
from satellite.pipelines.home_assistant.state import Hearing, Memory, Policy, State, WakeIn
from satellite.pipelines.home_assistant.turn_audio import TurnAudio

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wyoming.event import Event

    from satellite.hearing.wake.base import WakeWord
    from satellite.pipelines.base import RoomListener
    from satellite.pipelines.home_assistant.link import HomeAssistantLink
    from satellite.pipelines.marks import MarksSource
    from satellite.pipelines.server import Server
    from wire.errors import InterjectError
    from wire.events import Interrupt

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HomeAssistantSettings:
    """How turns are taken with Home Assistant.

    `satellite_id`: the satellite's name, from which Home Assistant makes that of its entity; `language`: for our own
    STT server; `endpoint_silence_ms`: the silence that ends a turn.
    """

    satellite_id: str | None = None
    language: str | None = None
    endpoint_silence_ms: float = 600.0
    wake: WakeIn = WakeIn.SATELLITE


class HomeAssistantPipeline:
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
            memory=Memory.NOBODY if llm is None else Memory.BRIDGE,
            wake=settings.wake,
            endpoint_silence_ms=settings.endpoint_silence_ms,
        )
        self._servers = tuple(server for server in (stt, llm) if server is not None)
        self._marks = marks
        self._state = State()
        self._audio = TurnAudio()
        self._audio_is_full = False
        self._microphone = writing.Microphone()
        self._wake_run = False
        self._own = None if stt is None else OwnStt(stt, settings.language, self)
        self._corrections = None if llm is None else Corrections(llm, self._corrected)
        self._feeds: dict[int, tuple[Feed, asyncio.Task[None]]] = {}
        self._listener: RoomListener | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard: Callable[[str], None] | None = None
        self._muted = False

    async def run(self, listener: RoomListener) -> None:
        """Work until cancelled."""
        self._listener = listener
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                for server in self._servers:
                    tasks.create_task(server.watch(), name=f"watch {server.kind}")
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
        if self._wake_run and audio:
            self._link.send(self._microphone.chunk(audio))

    def owns(self, epoch: int) -> bool:
        """Tell whether an epoch is that of an announcement."""
        announcement = self._state.announcement
        return announcement is not None and announcement.epoch == epoch

    def woken(self, word: WakeWord) -> None:
        """A wake word began the utterance that is opened next."""
        if not self._wake_run:
            self._take_call(messages.Woken(word.name, word.pipeline))

    def open_stt(self, stream: int) -> None:
        """Begin an utterance."""
        self._audio.open(stream)
        if self._corrections is not None:
            self._start(self._corrections.tell_what_is_untold, "interruptions that are untold")
        self._take_call(messages.Opened(stream))

    def send_audio(self, stream: int, audio: bytes) -> None:
        """Send some of an utterance: 16 kHz, 16-bit, mono."""
        kept = self._audio.append(stream, audio)
        if not kept and not self._audio_is_full:
            _LOGGER.warning("the user's turn is too long; the rest of it is not sent to Home Assistant")
        self._audio_is_full = not kept
        if self._own is not None:
            self._own.send(stream, audio)
        self._send_unsent()

    def end_stt(self, stream: int) -> None:
        """End an utterance: its text is wanted now."""
        self._audio.end(stream)
        self._take_call(messages.Ended(stream))

    def abort_stt(self, stream: int) -> None:
        """Forget an utterance."""
        self._take_call(messages.Aborted(stream))

    def ask(self, epoch: int, text: str) -> None:
        """Have a reply generated and spoken; Home Assistant has, or gets, the audio that the text was made of."""
        _LOGGER.debug("reply %d answers %r", epoch, text)
        self._take_call(messages.Asked(epoch))

    def cancel(self, interrupt: Interrupt) -> None:
        """Stop a reply or an announcement; with an LLM bridge, have it know what was heard of a reply."""
        corrections = self._corrections
        if corrections is not None and not self.owns(interrupt.epoch):
            satellite_id = self._settings.satellite_id
            context = {} if satellite_id is None else {"satellite_id": satellite_id}
            told = replace(interrupt, context=context)
            self._start(functools.partial(corrections.tell, told), f"interrupt {interrupt.epoch}")
        self._take_call(messages.Cancelled(interrupt.epoch, interrupt.reason))

    def played(self, epoch: int) -> None:
        """A reply or an announcement was heard to its end, or had nothing to hear."""
        self._take_call(messages.Played(epoch))

    def connected(self, name: str) -> None:
        """Home Assistant is ready for us."""
        self._running_listener.note("connected", uri=name)
        self.take(messages.Connected())

    def lost(self, name: str, error: InterjectError) -> None:
        """The live connection is gone."""
        self._running_listener.note("disconnected", uri=name)
        self.take(messages.Lost(error))

    def paused(self) -> None:
        """The user switched the microphone off in Home Assistant."""
        self._muted = True
        self._running_listener.mute()

    def unpaused(self) -> None:
        """The microphone may be on again."""
        if self._muted:
            self._muted = False
            self._running_listener.unmute()

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

    def partial(self, stream: int, text: str) -> None:
        """All words of a stream that our own STT server is sure of."""
        self._running_listener.partial(stream, text)

    def take(self, event: messages.Event) -> None:
        """Apply an event, and do at once what follows."""
        for effect in self._step(event):
            self._carry_out(effect)
        self._arm()

    def _take_call(self, event: messages.Event) -> None:
        """Apply what the turn machine asks for; what it is to be told of that comes after it is done."""
        for effect in self._step(event):
            if isinstance(effect, messages.TellText | messages.TellSttFailed):
                asyncio.get_running_loop().call_soon(self._carry_out, effect)
            else:
                self._carry_out(effect)
        self._arm()

    def _step(self, event: messages.Event) -> tuple[messages.Effect, ...]:
        self._state, effects = step(self._state, event, _now(), self._policy)
        return effects

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = deadline(self._state)
        if due is not None:
            self._timer = asyncio.get_running_loop().call_at(due, self.take, messages.Tick())

    @property
    def _running_listener(self) -> RoomListener:
        if self._listener is None:
            raise RuntimeError("the pipeline is not running")
        return self._listener

    def _carry_out(self, effect: messages.Effect) -> None:  # noqa: C901, PLR0912 - a table in the form of a match
        listener = self._running_listener
        match effect:
            case messages.SendNullRun():
                self._link.send(writing.null_run())
            case messages.SendRun(_, streams, woken):
                self._begin(streams, writing.begin_run(woken))
            case messages.SendWakeRun():
                self._begin((), writing.begin_wake_run())
                self._wake_run = True
            case messages.StreamAlso(streams):
                self._audio.extend(streams)
                self._send_unsent()
            case messages.StopStreaming():
                self._audio.halt()
                self._wake_run = False
            case messages.SendAudioStop():
                self._send_all(self._microphone.end())
            case messages.SendPlayed():
                self._link.send(PlayedEvent().event())
            case messages.Forget(streams):
                self._audio.forget(streams)
            case messages.OpenOwn() | messages.EndOwn() | messages.DropOwn():
                self._ask_own(effect)
            case messages.TellText(stream, text):
                listener.transcribed(stream, text)
            case messages.TellSttFailed(stream, error):
                listener.stt_failed(stream, error)
            case messages.Bind() | messages.FeedText() | messages.FeedAudio() | messages.EndFeed():
                self._feed(effect)
            case messages.DropFeed(feed):
                self._drop_feed(feed)
            case messages.Announce(feed):
                self.take(messages.Announced(feed, listener.announce()))
            case messages.TellWord(name):
                if self._heard is not None:
                    self._heard(name)
            case messages.Note(kind, fields):
                listener.note(kind, **fields)
            case messages.Then(event):
                self.take(event)

    def _begin(self, streams: tuple[int, ...], events: list[Event]) -> None:
        self._microphone = writing.Microphone()
        self._wake_run = False
        self._send_all(events)
        self._audio.begin(streams)
        self._send_unsent()

    def _send_unsent(self) -> None:
        self._send_all([self._microphone.chunk(piece) for piece in self._audio.unsent()])

    def _send_all(self, events: list[Event]) -> None:
        for event in events:
            self._link.send(event)

    def _ask_own(self, effect: messages.OpenOwn | messages.EndOwn | messages.DropOwn) -> None:
        own, tasks = self._own, self._tasks
        if own is None or tasks is None:
            return
        match effect:
            case messages.OpenOwn(stream):
                own.open(stream, tasks)
            case messages.EndOwn(stream):
                own.end(stream)
            case messages.DropOwn(stream):
                own.drop(stream)

    def _feed(self, effect: messages.Bind | messages.FeedText | messages.FeedAudio | messages.EndFeed) -> None:
        feed = self._feed_of(effect.feed)
        match effect:
            case messages.Bind(_, epoch):
                feed.bind(epoch)
            case messages.FeedText(_, text):
                feed.text(text)
            case messages.FeedAudio(_, audio, rate_hz):
                feed.audio(audio, rate_hz)
            case messages.EndFeed(_, error):
                feed.end(error)

    def _feed_of(self, number: int) -> Feed:
        if number not in self._feeds:
            feed = Feed(self._running_listener, self._marks)
            task = self._start(feed.run, f"speech of run {number}", feed.give_up)
            self._feeds[number] = (feed, task)
        return self._feeds[number][0]

    def _drop_feed(self, number: int) -> None:
        if number in self._feeds:
            self._feeds.pop(number)[1].cancel()

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
