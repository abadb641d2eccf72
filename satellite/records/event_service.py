"""Tells an event service what happens, over Wyoming; the conversation never waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from wyoming.asr import Transcript
from wyoming.audio import AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.satellite import (
    PauseSatellite,
    RunSatellite,
    SatelliteConnected,
    SatelliteDisconnected,
    StreamingStarted,
    StreamingStopped,
)
from wyoming.snd import Played
from wyoming.tts import Synthesize
from wyoming.user_event import UserEvent
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detect, Detection

from interject.satellite.records import conversation as talk
from interject.satellite.records import device, home_assistant
from interject.wire import client
from interject.wire.errors import PeerError, PeerSilentError, WireError
from interject.wire.outage import Backoff, Outage
from interject.wire.trace import Record

if TYPE_CHECKING:
    from interject.wire.client import Connection, Connector


R = TypeVar("R", bound=Record)
# From a record and its time, s of the device's clock; None: an event service is not told of it.
_Make = Callable[[R, float | None], Eventable | None]

# An audio-start has to name a format. No audio follows it here; this is the one that Home Assistant names by default.
_UNUSED_FORMAT = AudioStart(rate=22_050, width=2, channels=1)


_LOGGER = logging.getLogger(__name__)

# Some ten turns: a service that comes back is told how things stand, not the history of the day.
WAITING_EVENTS = 64
# A service that is being restarted is soon there again; one that is switched off costs nothing.
_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 10.0
# A connection that holds this long works; one that ends sooner was refused.
STEADY_AFTER_S = 1.0
# An event has some hundred bytes: a service that takes none of them for so long is as good as gone.
_SEND_TIMEOUT_S = 5.0


def wyoming_event(record: Record, t: float | None) -> Event | None:
    """Give the event that tells an event service of a record, if any; `t`: when it was, s of the device's clock."""
    if isinstance(record, device.TimerChanged):
        return Event(type=record.KIND, data=dict(record.data))
    make = _TABLE.get(type(record))
    made = make(record, t) if make is not None else None
    return None if made is None else made.event()


def _is(record: type[R], make: _Make[R]) -> tuple[type[Record], _Make[Record]]:
    return record, cast("_Make[Record]", make)


def _ms(t: float | None) -> int | None:
    return None if t is None else round(t * 1000)


def _wake_word(record: talk.WordDetected, t: float | None) -> Detection | None:
    # Who was told of a wake word waits for a turn; a stop word begins none.
    return Detection(name=record.name, timestamp=_ms(t)) if record.role != "stop" else None


def _played_if_heard(record: talk.ReplyInterrupted, _t: float | None) -> Played | None:
    # An interruption is the end of what sounded; of what nobody had heard yet there is no end, and what failed was
    # played as far as it went.
    return Played() if record.heard_ms > 0 and record.reason != "failed" else None


def _failed(record: talk.SttFailed | talk.ReplyFailed, _t: float | None) -> Error:
    return Error(text=record.error, code=record.stage)


def _duplex_mode(record: device.DuplexModeChanged, _t: float | None) -> UserEvent:
    # Wyoming has no event for it; who does not know ours ignores it.
    return UserEvent("duplex-mode", record.fields())


_TABLE: dict[type[Record], _Make[Record]] = dict(
    (
        _is(talk.AwaitsWakeWord, lambda _it, _t: Detect()),
        _is(talk.WordDetected, _wake_word),
        _is(talk.StreamingStarted, lambda _it, _t: StreamingStarted()),
        _is(talk.StreamingStopped, lambda _it, _t: StreamingStopped()),
        _is(talk.SttOpened, lambda _it, t: VoiceStarted(timestamp=_ms(t))),
        _is(talk.SttEnded, lambda _it, t: VoiceStopped(timestamp=_ms(t))),
        _is(talk.SttAborted, lambda _it, t: VoiceStopped(timestamp=_ms(t))),
        # A murmur is transcribed too: nobody said anything.
        _is(talk.TextUnderstood, lambda it, _t: Transcript(it.text) if it.text else None),
        _is(talk.ReplyKnown, lambda it, _t: Synthesize(text=it.text)),
        _is(talk.FirstAudio, lambda _it, _t: _UNUSED_FORMAT),
        _is(talk.ReplyReceived, lambda _it, _t: AudioStop()),
        _is(talk.ReplyPlayed, lambda _it, _t: Played()),
        _is(talk.ReplyInterrupted, _played_if_heard),
        _is(talk.SttFailed, _failed),
        _is(talk.ReplyFailed, _failed),
        _is(home_assistant.Connected, lambda _it, _t: SatelliteConnected()),
        _is(home_assistant.Disconnected, lambda _it, _t: SatelliteDisconnected()),
        _is(device.Muted, lambda _it, _t: PauseSatellite()),
        _is(device.Unmuted, lambda _it, _t: RunSatellite()),
        _is(device.DuplexModeChanged, _duplex_mode),
    )
)


class EventForwarder:
    """A Trace that sends Wyoming events to a service, and keeps on connecting to it; the oldest are left out."""

    def __init__(self, uri: str, connect: Connector = client.connect) -> None:
        self._uri = uri
        self._connect = connect
        self._waiting: deque[Event] = deque(maxlen=WAITING_EVENTS)
        self._has_events = asyncio.Event()
        self._outage = Outage(_LOGGER)

    def emit(self, record: Record, t: float | None = None) -> None:
        """Have the service told of this record, if it is of interest there; returns at once."""
        event = wyoming_event(record, t)
        if event is not None:
            self._waiting.append(event)
            self._has_events.set()

    async def run(self) -> None:
        """Forward until cancelled."""
        backoff = Backoff(_FIRST_RETRY_S, _LAST_RETRY_S)
        while True:
            try:
                await self._serve()
            except WireError as error:
                if not self._outage.failing:
                    # After a connection that worked it is the first failure again.
                    backoff.reset()
                self._outage.failed(
                    "event service: %s; what happens meanwhile is kept, the last %d events", error, WAITING_EVENTS
                )
            await asyncio.sleep(backoff.next_s())

    async def _serve(self) -> None:
        connection = await self._connect(self._uri)
        sending = asyncio.create_task(self._send_all(connection), name="events to the event service")
        listening = asyncio.create_task(_until_gone(connection), name="end of the event service")
        tasks = {sending, listening}
        try:
            done, _ = await asyncio.wait(tasks, timeout=STEADY_AFTER_S, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self._outage.worked("event service: %s is there again", self._uri)
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await connection.close()

    async def _send_all(self, connection: Connection) -> None:
        while True:
            while self._waiting:
                # Taken out before it is sent: meanwhile a full queue may lose its first.
                event = self._waiting.popleft()
                try:
                    await _send(connection, event)
                except (WireError, asyncio.CancelledError):
                    if len(self._waiting) < WAITING_EVENTS:
                        self._waiting.appendleft(event)
                    raise
            self._has_events.clear()
            await self._has_events.wait()


async def _send(connection: Connection, event: Event) -> None:
    try:
        async with asyncio.timeout(_SEND_TIMEOUT_S):
            await connection.send(event)
    except TimeoutError:
        raise PeerSilentError(connection.uri, "sign of taking events", _SEND_TIMEOUT_S) from None


async def _until_gone(connection: Connection) -> None:
    """Take no notice of what the service says; raises PeerGoneError when it is gone."""
    while True:
        try:
            await connection.receive()
        except PeerError as error:
            _LOGGER.debug("event service: %s", error)
