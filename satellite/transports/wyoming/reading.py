"""Home Assistant's events, read and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioChunkConverter, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated
from wyoming.tts import Synthesize
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detection

from interject.satellite.transports.assist import events
from interject.satellite.transports.direct.checks import speech_of
from interject.wire.errors import PeerGoneError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wyoming.event import Event

_WIDTH = 2
_TIMER_EVENTS = (TimerStarted, TimerUpdated, TimerCancelled, TimerFinished)


def is_timer(event: Event) -> bool:
    """Tell whether an event is about a timer."""
    return any(kind.is_type(event.type) for kind in _TIMER_EVENTS)


def read(event: Event) -> events.Event | None:
    """Read an event that is about a turn or an announcement; None for any other. Raises RequestError."""
    for is_type, reader in _READERS:
        if is_type(event.type):
            return reader(event)
    return None


def _speech(event: Event) -> events.Speech:
    try:
        chunk = speech_of(event, "Home Assistant")
    except PeerGoneError as error:
        raise RequestError("bad-event", str(error)) from None
    converted = AudioChunkConverter(width=_WIDTH, channels=1).convert(chunk)
    return events.Speech(_timestamp(event), chunk.milliseconds, converted.audio, converted.rate)


def _timestamp(event: Event) -> int | None:
    timestamp = event.data.get("timestamp")
    return timestamp if type(timestamp) is int else None


def _text(event: Event, key: str) -> str:
    text = event.data.get(key)
    return text if isinstance(text, str) else ""


_READERS: tuple[tuple[Callable[[str], bool], Callable[[Event], events.Event]], ...] = (
    (AudioChunk.is_type, _speech),
    (AudioStart.is_type, lambda _: events.SpeechStarted()),
    (AudioStop.is_type, lambda event: events.SpeechStopped(_timestamp(event))),
    (Transcribe.is_type, lambda _: events.Transcribing()),
    (VoiceStarted.is_type, lambda _: events.VoiceStarted()),
    (VoiceStopped.is_type, lambda _: events.VoiceStopped()),
    (Transcript.is_type, lambda event: events.Transcribed(_text(event, "text"))),
    (Synthesize.is_type, lambda event: events.Synthesized(_text(event, "text"))),
    (Detection.is_type, lambda event: events.WordDetected(_text(event, "name"))),
    (Error.is_type, lambda event: events.Failed(_text(event, "code"), _text(event, "text"))),
)
