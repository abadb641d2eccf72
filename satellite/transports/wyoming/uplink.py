"""What goes to Home Assistant: runs, and the microphone's audio for them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from wyoming.snd import Played

from interject.satellite.transports.assist import effects
from interject.satellite.transports.assist.turn_audio import TurnAudio
from interject.satellite.transports.wyoming.messages import Microphone, begin_run, begin_wake_run, null_run
from interject.satellite.wake.base import Role, WakeWord, phrase_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wyoming.event import Event

    from interject.satellite.audio.base import Samples
    from interject.satellite.transports.wyoming.transport import HomeAssistantTransport
    from interject.satellite.wake.base import WordModel


_LOGGER = logging.getLogger(__name__)

UplinkEffect = (
    effects.SendNullRun
    | effects.SendRun
    | effects.SendWakeRun
    | effects.StreamAlso
    | effects.StopStreaming
    | effects.SendAudioStop
    | effects.SendPlayed
    | effects.Forget
)


class Sender(Protocol):
    """Takes events for Home Assistant."""

    def send(self, event: Event) -> None:
        """Send an event, if Home Assistant is there; never blocks."""


class Uplink:
    """Keeps what the user says, and sends of it what the present run is to have."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._audio = TurnAudio()
        self._audio_is_full = False
        self._microphone = Microphone()
        self._waking = False

    @property
    def waking(self) -> bool:
        """Whether the present run began with Home Assistant's own wake word, and gets the whole microphone."""
        return self._waking

    def push(self, audio: bytes) -> None:
        """Take more of the whole microphone."""
        if self._waking and audio:
            self._sender.send(self._microphone.chunk(audio))

    def open(self, stream: int) -> None:
        """Begin to keep an utterance."""
        self._audio.open(stream)

    def append(self, stream: int, audio: bytes) -> None:
        """Take more of an utterance."""
        kept = self._audio.append(stream, audio)
        if not kept and not self._audio_is_full:
            _LOGGER.warning("the user's turn is too long; the rest of it is not sent to Home Assistant")
        self._audio_is_full = not kept
        self._send_unsent()

    def end(self, stream: int) -> None:
        """Note that an utterance is complete."""
        self._audio.end(stream)

    def carry_out(self, effect: UplinkEffect) -> None:
        """Do one thing."""
        match effect:
            case effects.SendNullRun():
                self._sender.send(null_run())
            case effects.SendRun(_, streams, woken, pipeline):
                self._begin(streams, begin_run(woken, pipeline))
            case effects.SendWakeRun():
                self._begin((), begin_wake_run())
                self._waking = True
            case effects.StreamAlso(streams):
                self._audio.extend(streams)
                self._send_unsent()
            case effects.StopStreaming():
                self._audio.halt()
                self._waking = False
            case effects.SendAudioStop():
                self._send(self._microphone.end())
            case effects.SendPlayed():
                self._sender.send(Played().event())
            case effects.Forget(streams):
                self._audio.forget(streams)

    def _begin(self, streams: tuple[int, ...], beginning: list[Event]) -> None:
        self._microphone = Microphone()
        self._waking = False
        self._send(beginning)
        self._audio.begin(streams)
        self._send_unsent()

    def _send_unsent(self) -> None:
        self._send(self._microphone.chunk(piece) for piece in self._audio.unsent())

    def _send(self, sent: Iterable[Event]) -> None:
        for event in sent:
            self._sender.send(event)


class HomeAssistantWake:
    """Listens through the transport, which must have been set to wake in Home Assistant."""

    def __init__(self, transport: HomeAssistantTransport) -> None:
        self._transport = transport

    @property
    def words(self) -> tuple[WordModel, ...]:
        """Nothing that we know of: the words are set in Home Assistant."""
        return ()

    async def run(self, heard: Callable[[WakeWord], None]) -> None:
        """Work until cancelled; calls `heard` on the event loop."""

        def told(name: str) -> None:
            heard(WakeWord(name, phrase_of(name), Role.WAKE, end_index=None))

        self._transport.on_word(told)
        await asyncio.Event().wait()

    def push(self, samples: Samples, end_index: int) -> None:
        """Take the next 16 kHz samples. Never blocks, never raises."""
        del end_index
        self._transport.push(samples.tobytes())
